"""How every turn begins and ends, asked for by chat or as a job: number, record, claim; and at last, how it ended.

In this order: a claim stands for a turn that is there, and a turn that is there always ends. A process that dies leaves
a record whose lease runs out.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from services.supervisor.turns.conversations import Conversations, Stored, new_conversation
from services.supervisor.turns.idempotency import Claim, IdempotencyKeys
from services.supervisor.turns.records import Conversation, Turn, lease_of, now, turn_id_of
from switchboard.contracts.errors import (
    Conflict,
    Interrupted,
    NotFound,
    OurError,
    SwitchboardError,
    Unavailable,
    Unprocessable,
)
from switchboard.contracts.turns import ChatRequest, Principal, TurnRequest
from switchboard.experiments.assignment import Assigned, Experiments
from switchboard.telemetry import current_span_id, current_trace_id

END_ATTEMPTS_MAX = 3
STORED_READ_AFTER_S = 0.002
END_JITTER_S, END_JITTER_S_MAX = 0.1, 0.5
ABANDON_S_MAX = 2.0
"""For writing down that a turn failed, when all else went wrong too; then its lease ends it."""
ANOTHER_REQUEST = "This Idempotency-Key was used for another message; use a new one for each message."

logger = logging.getLogger(__name__)


CacheUse = Literal["", "no-cache", "no-store"]
"""What a client says of the answer cache, as in HTTP: `no-cache` wants a fresh answer, `no-store` also that none is kept."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a client asks, and who it is."""

    principal: Principal
    request: ChatRequest
    idempotency_key: str | None = None
    cache: CacheUse = ""

    @property
    def digest(self) -> str:
        """The same request has the same digest; it tells a repetition from a key used twice."""
        return hashlib.sha256(self.request.model_dump_json().encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Accepted:
    """A turn that is written down as running, and all that its work needs."""

    ask: Ask
    conversation: Conversation
    turn: Turn
    deadline: datetime
    experiment: Assigned | None
    """What the tenant's experiment changes for this turn."""
    stored: Awaitable[Stored]
    """Both records as they stand, read while the work goes on; for `Acceptance.end`, once."""

    def request_for(self, agent_id: str, message: str) -> TurnRequest:
        """What one agent is asked: its part of the message, and the conversation around it."""
        return TurnRequest(
            turn_id=self.turn.turn_id,
            conversation_id=self.turn.conversation_id,
            agent=agent_id,
            principal=self.ask.principal,
            message=message,
            history=self.conversation.history(),
            remembered=self.conversation.remembered,
            deadline=self.deadline,
            variant=self.experiment.of(agent_id) if self.experiment else None,
        )


@dataclass(frozen=True, slots=True)
class Repeated:
    """The idempotency key stands for another turn, which is there."""

    turn_id: str


class Acceptance:
    """May be called concurrently, in any number of replicas."""

    def __init__(
        self, conversations: Conversations, idempotency_keys: IdempotencyKeys, experiments: Experiments
    ) -> None:
        self._conversations = conversations
        self._keys = idempotency_keys
        self._experiments = experiments

    async def repeated(self, ask: Ask) -> Repeated | None:
        """The turn that the key of `ask` stands for already. Raises `Unprocessable` for another request."""
        if ask.idempotency_key is None:
            return None
        claim = await self._keys.find(ask.principal, ask.idempotency_key)
        return _repeated(ask, claim) if claim is not None else None

    async def accept(self, ask: Ask, seconds: float) -> Accepted | Repeated:
        """Numbers a turn, writes it down with a deadline in `seconds`, and claims its idempotency key.

        Who asks at the same moment with the same key and is later gets the turn of the first; their own is superseded.

        Raises `NotFound` (conversation), `Conflict`, `Unprocessable` (the key was used for another request),
        `Unavailable` (the state store does not answer). What was written down by then has failed.
        """
        experiment = self._experiments.assigned(ask.principal.tenant)
        deadline = now() + timedelta(seconds=seconds)
        if ask.request.conversation_id is None:
            conversation = new_conversation(ask.principal)
        else:
            conversation = await self._conversations.next_turn(ask.principal, ask.request.conversation_id)
        turn = _turn(ask, conversation, deadline, experiment)
        try:
            if ask.request.conversation_id is None:
                await self._conversations.create(conversation, turn, ask.principal)
            else:
                await self._conversations.record(turn)
            earlier = await self._claim(ask, turn)
        except Conflict:  # the record of that number is not ours to end
            raise
        except BaseException as error:
            await self.abandon(turn, error)
            raise
        if earlier is not None:
            return earlier
        stored = asyncio.create_task(self._stored(turn))
        stored.add_done_callback(_seen)
        return Accepted(ask, conversation, turn, deadline, experiment, stored)

    async def end(self, turn: Turn, stored: Awaitable[Stored] | None = None) -> None:
        """Writes how the turn ended. Raises what the state port raises, `NotFound` for a conversation that is deleted."""
        if stored is not None:
            try:
                await self._conversations.finish(turn, await stored)
                return
            except Unavailable:
                pass  # from here on everything is read anew
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(Unavailable),
            stop=stop_after_attempt(END_ATTEMPTS_MAX),
            wait=wait_random_exponential(multiplier=END_JITTER_S, max=END_JITTER_S_MAX),
            reraise=True,
        ):
            with attempt:
                await self._conversations.finish(turn, await self._conversations.stored(turn))

    async def abandon(self, turn: Turn, error: BaseException) -> None:
        """Ends a turn that cannot be answered for `error`, whatever that is. Bounded in time; raises nothing."""
        turn.fail(explained(error))
        await self._end_in_time(turn)

    async def _claim(self, ask: Ask, turn: Turn) -> Repeated | None:
        """Makes the key stand for `turn`; what another turn has it for is what returns."""
        if ask.idempotency_key is None:
            return None
        mine = Claim(turn.turn_id, ask.digest)
        claim = await self._keys.claim(ask.principal, ask.idempotency_key, mine)
        if claim == mine:
            return None
        turn.status = "superseded"
        await self._end_in_time(turn)
        return _repeated(ask, claim)

    async def _stored(self, turn: Turn) -> Stored:
        """Nothing needs it before the answer is there: the agents are asked first."""
        await asyncio.sleep(STORED_READ_AFTER_S)
        return await self._conversations.stored(turn)

    async def _end_in_time(self, turn: Turn) -> None:
        try:
            async with asyncio.timeout(ABANDON_S_MAX):
                await self.end(turn)
        except NotFound:
            return  # it was not written down, or is deleted
        except Exception:
            logger.exception("The end of turn %s could not be written down: its lease ends it.", turn.turn_id)


def explained(error: BaseException) -> SwitchboardError:
    """The error that a user is told; one that nobody foresaw is explained by nothing but that it is ours."""
    if isinstance(error, SwitchboardError):
        return error
    return Interrupted() if isinstance(error, asyncio.CancelledError) else OurError()


def _turn(ask: Ask, conversation: Conversation, deadline: datetime, experiment: Assigned | None) -> Turn:
    return Turn(
        turn_id=turn_id_of(conversation.conversation_id, conversation.turn_count),
        conversation_id=conversation.conversation_id,
        n=conversation.turn_count,
        tenant=ask.principal.tenant,
        user=ask.principal.user,
        lease_until=lease_of(deadline),
        idempotency_key=ask.idempotency_key,
        message=ask.request.message,
        experiment=experiment.label if experiment else "",
        trace_id=current_trace_id(),
        span_id=current_span_id(),
        created_at=now(),
    )


def _seen(read: "asyncio.Task[Stored]") -> None:
    """A turn that failed never asks what was read."""
    if not read.cancelled():
        read.exception()


def _repeated(ask: Ask, claim: Claim) -> Repeated:
    if claim.digest != ask.digest:
        raise Unprocessable(ANOTHER_REQUEST)
    return Repeated(claim.turn_id)
