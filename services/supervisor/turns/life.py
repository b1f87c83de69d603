"""The life of an interactive turn, as DESIGN §2 tells it. It reads top to bottom in `Turns._life` and `Turns._answered`."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from opentelemetry.trace import Status, StatusCode

from services.supervisor.routing.router import Router, RoutingDecision
from services.supervisor.turns import guardrails
from services.supervisor.turns.accept import Acceptance, Accepted, Ask, Repeated
from services.supervisor.turns.answer_cache import TurnAnswers, tell
from services.supervisor.turns.conversations import TurnLost
from services.supervisor.turns.dispatch import Specialists
from services.supervisor.turns.effects_told import EffectsTold
from services.supervisor.turns.ending import Ending, explained
from services.supervisor.turns.event_log import EventLog
from services.supervisor.turns.logs import TurnLogs, emit_whole
from services.supervisor.turns.merge import Dispatched, Emit, Heard, answer_of
from services.supervisor.turns.outbox import Outbox
from services.supervisor.turns.records import Turn, now
from services.supervisor.turns.route import route
from services.supervisor.turns.streams.port import Fenced
from switchboard.contracts.errors import DeadlineExceeded, Interrupted, SwitchboardError, Unavailable
from switchboard.contracts.events import TurnCompleted, TurnReset, TurnStarted
from switchboard.telemetry import tracer, turn_attributes

ATTEMPTS_MAX = 3
"""Replicas that answer one turn, one after the other: a message that kills whoever answers it must not kill them all."""
AGAIN_S = 15.0
"""What a turn that is answered again has for it at least."""

logger = logging.getLogger(__name__)


class Turns:
    """Runs turns. Each is a task of its own: it ends, and is written down, whether its client stays or goes."""

    def __init__(
        self,
        acceptance: Acceptance,
        ending: Ending,
        router: Router,
        specialists: Specialists,
        outbox: Outbox,
        logs: TurnLogs,
        answers: TurnAnswers,
        effects: EffectsTold,
        *,
        turn_s_max: float,
    ) -> None:
        self._acceptance = acceptance
        self._ending = ending
        self._router = router
        self._specialists = specialists
        self._outbox = outbox
        self._logs = logs
        self._answers = answers
        self._effects = effects
        self._turn_s_max = turn_s_max
        self._tasks: dict[asyncio.Task[None], EventLog] = {}
        self._cancelled: set[str] = set()
        self._closing = False

    @property
    def is_closing(self) -> bool:
        """It takes no new turns: the process is to end."""
        return self._closing

    async def start(self, ask: Ask, after: int = 0) -> EventLog:
        """The turn, accepted and running; for an idempotency key that was used, the turn of that time behind event `after`.

        Raises why a turn is not accepted: what `Acceptance.accept` and `TurnLogs.open` raise, and `Unavailable` while the
        process ends.
        """
        if (earlier := await self._acceptance.repeated(ask)) is not None:
            return await self._logs.follow(ask.principal, earlier.turn_id, after)
        if self._closing:
            raise Unavailable
        log = self._logs.open(ask.principal)
        self._begin(log, lambda: self._life(ask, log))
        turn_id = await log.accepted()
        return log if log.turn_id == turn_id else await self._logs.follow(ask.principal, turn_id, after)

    async def take_over(self, turn: Turn, etag: str, *, cancel: bool = False) -> None:
        """Answers a turn again whose replica is gone, or ends it where words of it were said; in the background.

        With `cancel` it ends in any case, as cancelled.

        When it returns the turn is this replica's, or another's. Raises `Conflict` where that was faster, `NotFound`
        for a conversation that was deleted, `Unavailable`.
        """
        accepted = await self._acceptance.take_over(turn, etag, min(AGAIN_S, self._turn_s_max))
        try:
            log = await self._logs.resume(accepted.turn)
        except Fenced:  # it has been taken from this replica, too
            if accepted.slot is not None:
                accepted.slot.free()
            return
        log.slot = accepted.slot
        if cancel:
            self._cancelled.add(turn.turn_id)
        self._begin(log, lambda: self._again(accepted, log))

    def cancel_here(self, turn_id: str) -> EventLog | None:
        """Cancels a turn that runs in this process, unless its answer is there; its log, to wait for its end."""
        log = self._logs.here(turn_id)
        if log is not None and not log.is_ending:
            self._cancelled.add(turn_id)
            self._stop(log)
        return log

    async def close(self, seconds: float, *, hand_over: bool = False) -> None:
        """Takes no new turns, and waits for those under way; those that are not done by then end as interrupted.

        `hand_over`: there is another replica, which answers those again of which no word was said.
        """
        self._closing = True
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=seconds)
            for task in late:
                log = self._tasks[task]
                if hand_over and log.turn is not None and not log.has_words and not log.is_ending:
                    log.lose()
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _begin(self, log: EventLog, work: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.create_task(self._run(log, work))
        self._tasks[task] = log
        log.on_lost = task.cancel
        log.on_away = lambda: self._ending.mark(log.turn) if log.turn is not None else None
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    def _stop(self, log: EventLog) -> None:
        for task, its_log in self._tasks.items():
            if its_log is log:
                task.cancel()

    async def _run(self, log: EventLog, work: Callable[[], Awaitable[None]]) -> None:
        """The outermost guard: whatever happens, the turn ends, its place is free, and who waits is told. Raises nothing."""
        with tracer(__name__).start_as_current_span("turn") as span:
            try:
                await work()
            except (Exception, asyncio.CancelledError) as error:  # `close`, `cancel_here` and a lost log cancel
                if isinstance(error, TurnLost):
                    log.lose()
                elif not log.is_lost and not isinstance(error, SwitchboardError | asyncio.CancelledError):
                    logger.exception("Turn %s failed.", log.turn_id or "that was not accepted")
                if log.turn is None:
                    log.refuse(explained(error))
                elif not log.is_lost and log.ended is None:
                    await self._fail(log, log.turn, error)
                span.set_status(Status(StatusCode.ERROR, explained(error).code))
            finally:
                self._cancelled.discard(log.turn_id)
                if log.is_lost and log.slot is not None:
                    log.slot.free()
                self._logs.finish(log)

    async def _life(self, ask: Ask, log: EventLog) -> None:
        """One turn. The edge has authenticated who asks, and validated what; what is raised here ends it as failed."""
        # Input guardrails: what is blocked ends here, with a reason that its user can read.
        await guardrails.check_input(ask)

        # Accept: in hand, number, record, claim. From here on the turn ends completed, failed with a reason, or cancelled.
        accepted = await self._acceptance.accept(ask, self._turn_s_max, in_hand=True)
        if isinstance(accepted, Repeated):
            log.defer(accepted.turn_id)
            return
        turn = accepted.turn
        log.slot = accepted.slot
        log.accept(turn)
        self._logs.name(log)
        ids = (turn.tenant, turn.conversation_id, turn.turn_id)
        with turn_attributes(*ids, user=turn.user, experiment=turn.experiment):
            log.emit(TurnStarted(turn_id=turn.turn_id, conversation_id=turn.conversation_id, trace_id=turn.trace_id))
            await self._answered(accepted, log)

    async def _again(self, accepted: Accepted, log: EventLog) -> None:
        """One turn that another replica left: answered from the beginning where nobody heard a word of it."""
        turn = accepted.turn
        ids = (turn.tenant, turn.conversation_id, turn.turn_id)
        with turn_attributes(*ids, user=turn.user, experiment=turn.experiment):
            if turn.turn_id in self._cancelled:
                raise asyncio.CancelledError
            if log.has_words or not log.is_whole or turn.attempt > ATTEMPTS_MAX or turn.principal is None:
                raise Interrupted
            if log.seq > 1:
                log.emit(TurnReset())
            elif log.seq == 0:
                log.emit(
                    TurnStarted(turn_id=turn.turn_id, conversation_id=turn.conversation_id, trace_id=turn.trace_id)
                )
            await self._answered(accepted, log)

    async def _answered(self, accepted: Accepted, log: EventLog) -> None:
        """Answers a turn that was accepted, and ends it."""
        answer = await self._answer(accepted, log)

        # Persist, then say how it ended: who reads the last event finds the turn in the history.
        log.is_ending = True
        turn = accepted.turn
        turn.complete(answer)
        self._take_from(log, turn)
        conversation = await self._ending.write_end(turn, accepted.stored)
        settled = asyncio.create_task(self._ending.settle(turn, conversation))
        log.conclude(turn.ended, settled)
        self._outbox.put(turn, log.said, accepted.conversation.tail, log.slot)
        await log.written()

    async def _answer(self, accepted: Accepted, log: EventLog) -> TurnCompleted:
        """The work of a turn: from what was asked to the whole answer, every word of which is in the log."""
        # Output guardrails stand before the event log: whatever is said passes them.
        emit = guardrails.checked_output(log.emit)

        # Answer cache: an answer that was given before streams like any other.
        question = self._answers.question(accepted)
        found = await self._answers.find(accepted, question)
        if found is not None:
            return tell(found, accepted.turn, emit)

        # Who would answer is away, and nothing was said yet: what was answered before to something similar will do.
        heard = Heard(emit)
        try:
            decision, answer = await self._asked(accepted, heard)
        except (Unavailable, DeadlineExceeded):
            found = await self._answers.find_offline(question) if not heard.words else None
            if found is None:
                raise
            return tell(found, accepted.turn, emit, offline=True)
        self._answers.consider(accepted, question, decision, answer, log.tools)
        return answer

    async def _asked(self, accepted: Accepted, emit: Emit) -> tuple[RoutingDecision, TurnCompleted]:
        """What the agents answer, or the supervisor itself, and who that was to be."""
        # Route: agents, or words of the supervisor itself.
        decision, decided = await route(self._router, accepted)
        emit(decided)
        if not decision.assignments:
            reply = TurnCompleted(text=decision.reply, agents=[])
            emit_whole(reply, emit)
            return decision, reply

        # Dispatch and merge: the specialists' words stream through while they come.
        work = [
            Dispatched(each.agent, accepted.request_for(each.agent.card.id, each.message))
            for each in decision.assignments
        ]
        after = decision.next_likely
        spare = Dispatched(after.agent, accepted.request_for(after.agent.card.id, after.message)) if after else None
        seconds = (accepted.deadline - now()).total_seconds()
        return decision, await answer_of(self._specialists, work, seconds, emit, spare)

    async def _fail(self, log: EventLog, turn: Turn, error: BaseException) -> None:
        """Ends a turn without an answer, and names what was done before."""
        turn.effects = await self._effects.of(turn.turn_id, log.calls)
        if turn.turn_id in self._cancelled:
            turn.cancel()
        else:
            turn.fail(explained(error))
            if turn.effects:
                turn.failure = f"{turn.failure} Before that, this was done: {' '.join(turn.effects)}"
        self._take_from(log, turn)
        try:
            is_written = await self._ending.end_in_time(turn, later=lambda: self._outbox.put(turn, slot=log.slot))
        except TurnLost:
            log.lose()
            return
        self._tell_end(turn, log)
        if is_written:
            self._outbox.put(turn, log.said, (), log.slot)
        await log.written()

    def _tell_end(self, turn: Turn, log: EventLog) -> None:
        """The last event."""
        if log.is_whole:
            log.emit(turn.ended)
        else:
            log.make(turn.ended)

    def _take_from(self, log: EventLog, turn: Turn) -> None:
        """Writes into the turn's record what its events tell of it, and what is to follow its end."""
        turn.duration_ms, turn.tools = log.elapsed_ms, log.tools
        turn.events = log.seq + 1 if log.is_whole else 0
        turn.outbox = self._outbox.due(turn)
