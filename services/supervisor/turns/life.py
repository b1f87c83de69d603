"""The life of an interactive turn: accept, route, dispatch, merge, persist. It reads top to bottom in `Turns._life`."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from opentelemetry.trace import Status, StatusCode

from services.supervisor.desk.handover import Handover, event_of_handover, summary_of
from services.supervisor.feedback.online_evaluation import OnlineEvaluation
from services.supervisor.memory.folding import Remembering
from services.supervisor.routing.router import Assignment, Decision, Router
from services.supervisor.turns.conversations import Claim, Conversations, Stored
from services.supervisor.turns.dispatch import Specialists
from services.supervisor.turns.live import LiveTurn, LiveTurns
from services.supervisor.turns.merge import SUPERVISOR, Answer, answer_of
from services.supervisor.turns.publisher import BackgroundPublisher
from services.supervisor.turns.recorded import emit_record, ended_event
from services.supervisor.turns.records import Conversation, Turn, lease_of, now, turn_id_of
from switchboard.contracts import topics
from switchboard.contracts.errors import Conflict, NotFound, OurError, SwitchboardError, Unavailable, Unprocessable
from switchboard.contracts.events import MessageDelta, RouteDecided, TurnStarted
from switchboard.contracts.turns import ChatRequest, Principal, TurnRequest
from switchboard.experiments.assignment import Assigned, Experiments
from switchboard.models.caller import Caller
from switchboard.routing.decision import Context
from switchboard.telemetry import current_span_id, current_trace_id, tracer, turn_attributes

POLL_S = 0.25
"""How often a turn that runs in another process is looked at."""
PERSIST_ATTEMPTS_MAX = 3
PERSIST_PAUSE_S = 0.1
IDEMPOTENCY_KEY_CHARACTERS_MAX = 200
ANOTHER_REQUEST = "This Idempotency-Key was used for another message; use a new one for each message."

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a client asks, and who it is."""

    principal: Principal
    request: ChatRequest
    idempotency_key: str | None = None

    @property
    def digest(self) -> str:
        """The same request has the same digest; it tells a repetition from a key used twice."""
        return hashlib.sha256(self.request.model_dump_json().encode()).hexdigest()


class Turns:
    """Runs turns. Each is a task of its own: it ends, and is written down, whether its client stays or goes."""

    def __init__(
        self,
        conversations: Conversations,
        router: Router,
        specialists: Specialists,
        publisher: BackgroundPublisher,
        experiments: Experiments,
        evaluation: OnlineEvaluation,
        *,
        turns_max: int,
        turn_s_max: float,
        remembering: Remembering | None = None,
    ) -> None:
        self._remembering = remembering
        self._conversations = conversations
        self._router = router
        self._specialists = specialists
        self._publisher = publisher
        self._experiments = experiments
        self._evaluation = evaluation
        self._live = LiveTurns(turns_max)
        self._turn_s_max = turn_s_max
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, ask: Ask) -> LiveTurn:
        """The turn, accepted and running; for an idempotency key that was used, the turn of that time.

        Raises why a turn is not accepted: `NotFound` (conversation), `Conflict`, `Unprocessable` (the key was used
        for another request), `Unavailable` (too many turns at once, or the state store does not answer).
        """
        if ask.idempotency_key is not None:
            claim = await self._conversations.claim_of(ask.principal, ask.idempotency_key)
            if claim is not None:
                return await self._claimed(ask, claim)
        live = self._live.open()
        self._spawn(self._life(ask, live))
        try:
            await live.accepted()
        except _Claimed as other:
            return await self._claimed(ask, other.claim)
        return live

    async def follow(self, principal: Principal, turn_id: str) -> LiveTurn:
        """A turn to read again: the one that runs here, else what its record says. Raises `NotFound`."""
        turn = await self._conversations.turn(principal, turn_id)
        live = self._live.find(turn_id)
        if live is not None:
            return live
        live = LiveTurn()
        live.accept(turn_id)
        if turn.status == "running":
            self._spawn(self._poll(principal, turn, live))
        else:
            emit_record(turn, live)
        return live

    async def close(self, seconds: float) -> None:
        """Waits for the turns under way; those that are not done by then are cancelled and read as interrupted."""
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _life(self, ask: Ask, live: LiveTurn) -> None:
        """One turn, from its acceptance to its last event. Raises nothing."""
        started_s = time.perf_counter()
        with tracer(__name__).start_as_current_span("turn") as span:
            try:
                # Accept: from here on the turn has a number, and ends completed or failed.
                conversation = await self._conversations.next_turn(ask.principal, ask.request.conversation_id)
                assigned = self._experiments.assigned(ask.principal.tenant)
                turn, deadline = self._accepted(ask, conversation, assigned)
                if ask.idempotency_key is not None:
                    await self._claim(ask, turn)
            except SwitchboardError as error:
                span.set_status(Status(StatusCode.ERROR, error.code))
                self._live.close(live)
                live.refuse(error)
                return
            except Exception:
                logger.exception("A turn was not accepted.")
                self._live.close(live)
                live.refuse(OurError())
                return
            with turn_attributes(
                turn.tenant, turn.conversation_id, turn.turn_id, user=turn.user, experiment=turn.experiment
            ):
                live.accept(turn.turn_id)
                self._live.name(live)
                live.emit(
                    TurnStarted(turn_id=turn.turn_id, conversation_id=turn.conversation_id, trace_id=turn.trace_id)
                )
                storing: asyncio.Task[Stored] | None = None
                try:
                    # Route, while the turn's record is written. No work is dispatched before it is.
                    recording = asyncio.create_task(self._conversations.record(turn))
                    try:
                        decision = await self._router.decide(
                            ask.request.message,
                            context_of(conversation),
                            ask.request.agent,
                            caller=Caller.of_turn(
                                ask.principal, feature="routing", conversation=turn.conversation_id, turn=turn.turn_id
                            ),
                        )
                    finally:
                        await recording
                        storing = asyncio.create_task(self._conversations.stored(turn))
                    turn.route = route_of(decision)
                    turn.handover = handover_of(decision, conversation, turn.message)
                    live.emit(turn.route)

                    # Dispatch and merge: the specialists' words stream through while they come.
                    if decision.assignments:
                        work = [
                            (each, self._request(ask, turn, conversation, each, deadline, assigned))
                            for each in decision.assignments
                        ]
                        seconds = (deadline - now()).total_seconds()
                        answer = await answer_of(self._specialists, work, seconds, live.emit)
                    else:
                        answer = Answer(text=decision.reply)
                        live.emit(MessageDelta(agent=SUPERVISOR, text=decision.reply))
                    take_answer(turn, answer)
                except SwitchboardError as error:
                    take_failure(turn, error)
                except Exception:
                    logger.exception("Turn %s failed.", turn.turn_id)
                    take_failure(turn, OurError())

                # Persist, then say how it ended: who reads the last event finds the turn in the history.
                turn.duration_ms = round((time.perf_counter() - started_s) * 1000, 2)
                turn.events_count = len(live.frames) + 1
                turn.tools = live.tools
                try:
                    await self._persist(turn, storing)
                except SwitchboardError as error:
                    logger.exception("Turn %s could not be written down.", turn.turn_id)
                    take_failure(turn, error)
                if turn.status == "failed":
                    span.set_status(Status(StatusCode.ERROR, turn.code))
                self._live.close(live)
                live.emit(ended_event(turn))
                self._publisher.publish(topics.CONVERSATION_EVENTS, event_of(turn))
                self._evaluation.consider(turn, live.frames, conversation.tail)
                if self._remembering is not None:
                    self._remembering.after(turn)
                if turn.handover is not None and turn.status == "completed":
                    self._publisher.publish(topics.HANDOVER, handover_event_of(turn))

    def _accepted(self, ask: Ask, conversation: Conversation, assigned: Assigned | None) -> tuple[Turn, datetime]:
        at = now()
        deadline = at + timedelta(seconds=self._turn_s_max)
        turn = Turn(
            turn_id=turn_id_of(conversation.conversation_id, conversation.turn_count),
            conversation_id=conversation.conversation_id,
            n=conversation.turn_count,
            tenant=ask.principal.tenant,
            user=ask.principal.user,
            lease_until=lease_of(deadline),
            idempotency_key=ask.idempotency_key,
            message=ask.request.message,
            experiment=assigned.label if assigned else "",
            trace_id=current_trace_id(),
            span_id=current_span_id(),
            created_at=at,
        )
        return turn, deadline

    def _request(
        self,
        ask: Ask,
        turn: Turn,
        conversation: Conversation,
        work: Assignment,
        deadline: datetime,
        assigned: Assigned | None,
    ) -> TurnRequest:
        return TurnRequest(
            turn_id=turn.turn_id,
            conversation_id=turn.conversation_id,
            agent=work.agent.card.id,
            principal=ask.principal,
            message=work.message,
            history=conversation.history(),
            remembered=conversation.remembered,
            deadline=deadline,
            variant=assigned.of(work.agent.card.id) if assigned else None,
        )

    async def _claim(self, ask: Ask, turn: Turn) -> None:
        assert ask.idempotency_key is not None
        mine = Claim(turn.turn_id, ask.digest)
        claim = await self._conversations.claim(ask.principal, ask.idempotency_key, mine)
        if claim != mine:
            raise _Claimed(claim)

    async def _claimed(self, ask: Ask, claim: Claim) -> LiveTurn:
        """The turn that the key stands for. It may not be recorded yet: its claim is the older write."""
        if claim.digest != ask.digest:
            raise Unprocessable(ANOTHER_REQUEST)
        live = self._live.find(claim.turn_id)
        if live is not None:
            return live
        try:
            return await self.follow(ask.principal, claim.turn_id)
        except NotFound as error:
            await asyncio.sleep(POLL_S)
            try:
                return await self.follow(ask.principal, claim.turn_id)
            except NotFound:
                raise Conflict("The first request with this Idempotency-Key was interrupted; use a new key.") from error

    async def _poll(self, principal: Principal, turn: Turn, live: LiveTurn) -> None:
        """Follows a turn of another process by its record; its lease bounds how long."""
        try:
            while turn.status == "running":
                await asyncio.sleep(POLL_S)
                turn = await self._conversations.turn(principal, turn.turn_id)
            emit_record(turn, live)
        except SwitchboardError as error:
            take_failure(turn, error)
            live.emit(ended_event(turn))

    async def _persist(self, turn: Turn, storing: asyncio.Task[Stored] | None) -> None:
        for attempt in range(1, PERSIST_ATTEMPTS_MAX + 1):
            try:
                stored = await storing if storing is not None else await self._conversations.stored(turn)
                await self._conversations.finish(turn, stored)
                return
            except Unavailable:
                storing = None
                if attempt == PERSIST_ATTEMPTS_MAX:
                    raise
                await asyncio.sleep(PERSIST_PAUSE_S * attempt)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Claimed(SwitchboardError):
    """The idempotency key stood for another turn first."""

    def __init__(self, claim: Claim) -> None:
        super().__init__()
        self.claim = claim


def route_of(decision: Decision) -> RouteDecided:
    agents = [each.agent.card.id for each in decision.assignments]
    return RouteDecided(agents=agents, scores=decision.scores, by=decision.by, why=decision.why)


def context_of(conversation: Conversation) -> Context:
    """What a message of this conversation is read against."""
    return Context(
        conversation.agent, conversation.tail, conversation.refusals, handed_over=conversation.handover is not None
    )


def handover_of(decision: Decision, conversation: Conversation, message: str) -> Handover | None:
    """The hand-over to a person that a decision makes, if it makes one."""
    if decision.hands_over is None:
        return None
    reason = decision.hands_over
    return Handover(reason=reason, since=now(), summary=summary_of(reason, conversation.history(), message))


def handover_event_of(turn: Turn) -> dict[str, Any]:
    """The event for the hand-over that a turn made."""
    return event_of_handover(
        turn.handover,
        conversation_id=turn.conversation_id,
        tenant=turn.tenant,
        user=turn.user,
        by=turn.user,
        at=now(),
    ).model_dump(mode="json")


def take_answer(turn: Turn, answer: Answer) -> None:
    turn.status = "completed"
    turn.text, turn.agents = answer.text, answer.agents
    turn.citations, turn.usage = answer.citations, answer.usage


def take_failure(turn: Turn, error: SwitchboardError) -> None:
    turn.status = "failed"
    turn.code, turn.failure, turn.retry_after_s = error.code, error.message, error.retry_after_s


def event_of(turn: Turn) -> dict[str, Any]:
    """The data of an event on `conversation.events`: what a ledger or an audit needs, without the words."""
    return turn.model_dump(
        mode="json",
        include={
            "turn_id",
            "conversation_id",
            "tenant",
            "user",
            "status",
            "agents",
            "usage",
            "code",
            "trace_id",
            "duration_ms",
        },
    ) | {"at": now().isoformat()}
