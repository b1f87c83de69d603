"""How every turn begins, asked for by chat or as a job: in hand, number, record, claim.

In this order: a claim stands for a turn that is there, and a turn that is there always ends. A process that dies leaves
a record whose lease runs out.
"""

import asyncio
import hashlib
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.supervisor.turns.conversations import Conversations, Stored, new_conversation
from services.supervisor.turns.ending import Ending
from services.supervisor.turns.idempotency import Claim, IdempotencyKeys
from services.supervisor.turns.records import Conversation, Turn, lease_of, now, turn_id_of
from services.supervisor.turns.replicas.in_hand import Slot, Slots
from switchboard.contracts.errors import (
    Conflict,
    NotFound,
    TurnRunning,
    Unprocessable,
)
from switchboard.contracts.turns import ChatRequest, Principal, TurnRequest
from switchboard.experiments.assignment import Assigned, Experiments
from switchboard.telemetry import current_span_id, current_trace_id

STORED_READ_AFTER_S = 0.002
WAIT_S_MAX, WAIT_POLL_S = 60.0, 0.2
"""For the end of the turn before, where the client wants to wait for it."""
ANOTHER_REQUEST = "This Idempotency-Key was used for another message; use a new one for each message."


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
        asked = self.request.model_dump_json(exclude={"wait", "cancel_on_disconnect"})
        return hashlib.sha256(asked.encode()).hexdigest()


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
    """Both records as they stand, read while the work goes on; for `Ending`, once."""
    slot: Slot | None = None
    """Where this replica says that it has the turn in hand; None for a job."""

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
        self,
        conversations: Conversations,
        idempotency_keys: IdempotencyKeys,
        experiments: Experiments,
        slots: Slots,
        ending: Ending,
    ) -> None:
        self._conversations = conversations
        self._keys = idempotency_keys
        self._experiments = experiments
        self._slots = slots
        self._ending = ending

    async def repeated(self, ask: Ask) -> Repeated | None:
        """The turn that the key of `ask` stands for already. Raises `Unprocessable` for another request."""
        if ask.idempotency_key is None:
            return None
        claim = await self._keys.find(ask.principal, ask.idempotency_key)
        if claim is not None:
            return _repeated(ask, claim)
        try:  # whoever gave no key got the turn's id for one
            turn = await self._conversations.turn(ask.principal, ask.idempotency_key)
        except NotFound:
            return None
        if turn.message != ask.request.message:
            raise Unprocessable(ANOTHER_REQUEST)
        return Repeated(turn.turn_id)

    async def accept(self, ask: Ask, seconds: float, *, in_hand: bool = False) -> Accepted | Repeated:
        """Numbers a turn, writes it down with a deadline in `seconds`, and claims its idempotency key.

        `in_hand`: this replica answers it; should it die, another one finds the turn and ends it.

        Who asks at the same moment with the same key and is later gets the turn of the first; their own is superseded.

        Raises `NotFound` (conversation), `TurnRunning`, `Conflict`, `Unprocessable` (the key was used for another
        request), `Unavailable` (the state store does not answer). What was written down by then has failed.
        """
        slot = self._slots.take() if in_hand else None
        try:
            accepted = await self._accept(ask, seconds, slot)
        except BaseException:
            if slot is not None:
                slot.free()
            raise
        if isinstance(accepted, Repeated) and slot is not None:
            slot.free()
        return accepted

    async def _accept(self, ask: Ask, seconds: float, slot: Slot | None) -> Accepted | Repeated:
        experiment = self._experiments.assigned(ask.principal.tenant)
        if ask.request.conversation_id is None:
            conversation = new_conversation(ask.principal)
        else:
            conversation = await self._next_turn(ask, ask.request.conversation_id, slot)
        deadline = now() + timedelta(seconds=seconds)
        turn = _turn(ask, conversation, deadline, experiment)
        turn.owner = self._slots.owner if slot is not None else ""
        try:
            if ask.request.conversation_id is None:
                await self._conversations.create(conversation, turn, ask.principal, slot)
            else:
                await self._conversations.record(turn)
            earlier = await self._claim(ask, turn)
        except Conflict:  # the record of that number is not ours to end
            raise
        except BaseException as error:
            await self._ending.abandon(turn, error)
            raise
        if earlier is not None:
            return earlier
        return Accepted(ask, conversation, turn, deadline, experiment, self._reading(turn), slot)

    async def _next_turn(self, ask: Ask, conversation_id: str, slot: Slot | None) -> Conversation:
        """The conversation with one turn more; who waits for the turn before it has no place in a queue, but asks again."""
        tried_until = now() + timedelta(seconds=WAIT_S_MAX)
        while True:
            try:
                return await self._conversations.next_turn(ask.principal, conversation_id, slot)
            except TurnRunning:
                if not ask.request.wait or now() > tried_until:
                    raise
                await asyncio.sleep(WAIT_POLL_S)

    async def take_over(self, turn: Turn, etag: str, seconds: float) -> Accepted:
        """Makes a turn whose replica is gone this one's, with at least `seconds` to answer it.

        Raises `Conflict` where another replica was faster, or the turn has ended.
        """
        principal = turn.principal or Principal(tenant=turn.tenant, user=turn.user)
        deadline = max(turn.deadline or turn.created_at, now() + timedelta(seconds=seconds))
        update = {"owner": self._slots.owner, "attempt": turn.attempt + 1, "lease_until": lease_of(deadline)}
        taken = turn.model_copy(update=update)
        conversation = await self._conversations.around(principal, turn.conversation_id)
        slot = self._slots.take()
        try:
            await self._conversations.take_turn(taken, etag, slot)
        except BaseException:
            slot.free()
            raise
        request = ChatRequest(message=turn.message, conversation_id=turn.conversation_id, agent=turn.agent_asked)
        experiment = self._experiments.assigned(turn.tenant)
        ask = Ask(principal, request, turn.idempotency_key)
        return Accepted(ask, conversation, taken, deadline, experiment, self._reading(taken), slot)

    async def _claim(self, ask: Ask, turn: Turn) -> Repeated | None:
        """Makes the key stand for `turn`; what another turn has it for is what returns."""
        if ask.idempotency_key is None:
            return None
        mine = Claim(turn.turn_id, ask.digest)
        claim = await self._keys.claim(ask.principal, ask.idempotency_key, mine)
        if claim == mine:
            return None
        turn.status = "superseded"
        await self._ending.end_in_time(turn)
        return _repeated(ask, claim)

    def _reading(self, turn: Turn) -> "asyncio.Task[Stored]":
        stored = asyncio.create_task(self._stored(turn))
        stored.add_done_callback(_seen)
        return stored

    async def _stored(self, turn: Turn) -> Stored:
        """Nothing needs it before the answer is there: the agents are asked first."""
        await asyncio.sleep(STORED_READ_AFTER_S)
        return await self._conversations.stored(turn)


def _turn(ask: Ask, conversation: Conversation, deadline: datetime, experiment: Assigned | None) -> Turn:
    return Turn(
        turn_id=turn_id_of(conversation.conversation_id, conversation.turn_count),
        conversation_id=conversation.conversation_id,
        n=conversation.turn_count,
        tenant=ask.principal.tenant,
        user=ask.principal.user,
        principal=ask.principal,
        agent_asked=ask.request.agent,
        deadline=deadline,
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
