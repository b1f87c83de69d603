"""The life of an interactive turn, as DESIGN §2 tells it. It reads top to bottom in `Turns._life` and `Turns._answer`."""

import asyncio
import logging

from opentelemetry.trace import Status, StatusCode

from services.supervisor.routing.router import Router, RoutingDecision
from services.supervisor.turns import guardrails
from services.supervisor.turns.accept import Acceptance, Accepted, Ask, Repeated, explained
from services.supervisor.turns.answer_cache import TurnAnswers, tell
from services.supervisor.turns.dispatch import Specialists
from services.supervisor.turns.event_log import EventLog
from services.supervisor.turns.logs import TurnLogs, emit_whole
from services.supervisor.turns.merge import Dispatched, Emit, Heard, answer_of
from services.supervisor.turns.outbox import Outbox
from services.supervisor.turns.records import Conversation, Turn, now
from services.supervisor.turns.route import route
from switchboard.contracts.errors import DeadlineExceeded, SwitchboardError, Unavailable
from switchboard.contracts.events import TurnCompleted, TurnStarted
from switchboard.telemetry import tracer, turn_attributes

logger = logging.getLogger(__name__)


class Turns:
    """Runs turns. Each is a task of its own: it ends, and is written down, whether its client stays or goes."""

    def __init__(
        self,
        acceptance: Acceptance,
        router: Router,
        specialists: Specialists,
        outbox: Outbox,
        logs: TurnLogs,
        answers: TurnAnswers,
        *,
        turn_s_max: float,
    ) -> None:
        self._acceptance = acceptance
        self._router = router
        self._specialists = specialists
        self._outbox = outbox
        self._logs = logs
        self._answers = answers
        self._turn_s_max = turn_s_max
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    async def start(self, ask: Ask) -> EventLog:
        """The turn, accepted and running; for an idempotency key that was used, the turn of that time.

        Raises why a turn is not accepted: what `Acceptance.accept` and `TurnLogs.open` raise, and `Unavailable` while the
        process ends.
        """
        if (earlier := await self._acceptance.repeated(ask)) is not None:
            return await self._logs.follow(ask.principal, earlier.turn_id)
        if self._closing:
            raise Unavailable
        log = self._logs.open(ask.principal)
        task = asyncio.create_task(self._run(ask, log))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        turn_id = await log.accepted()
        return log if log.turn_id == turn_id else await self._logs.follow(ask.principal, turn_id)

    async def close(self, seconds: float) -> None:
        """Takes no new turns, and waits for those under way; those that are not done by then end as interrupted."""
        self._closing = True
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _run(self, ask: Ask, log: EventLog) -> None:
        """The outermost guard: whatever happens, the turn ends, its place is free, and who waits is told. Raises nothing."""
        with tracer(__name__).start_as_current_span("turn") as span:
            try:
                await self._life(ask, log)
            except (Exception, asyncio.CancelledError) as error:  # `close` alone cancels
                if not isinstance(error, SwitchboardError | asyncio.CancelledError):
                    logger.exception("Turn %s failed.", log.turn_id or "that was not accepted")
                if log.turn is None:
                    log.refuse(explained(error))
                elif log.ended is None:
                    _take_from(log, log.turn)
                    await self._acceptance.abandon(log.turn, error)
                    self._conclude(log.turn, log)
                span.set_status(Status(StatusCode.ERROR, explained(error).code))
            finally:
                self._logs.finish(log)

    async def _life(self, ask: Ask, log: EventLog) -> None:
        """One turn. The edge has authenticated who asks, and validated what; what is raised here ends it as failed."""
        # Input guardrails: what is blocked ends here, with a reason that its user can read.
        await guardrails.check_input(ask)

        # Accept: number, record, claim. From here on the turn ends completed, or failed with a reason.
        accepted = await self._acceptance.accept(ask, self._turn_s_max)
        if isinstance(accepted, Repeated):
            log.defer(accepted.turn_id)
            return
        turn = accepted.turn
        log.accept(turn)
        self._logs.name(log)
        ids = (turn.tenant, turn.conversation_id, turn.turn_id)
        with turn_attributes(*ids, user=turn.user, experiment=turn.experiment):
            log.emit(TurnStarted(turn_id=turn.turn_id, conversation_id=turn.conversation_id, trace_id=turn.trace_id))
            answer = await self._answer(accepted, log)

            # Persist, then say how it ended: who reads the last event finds the turn in the history.
            turn.complete(answer)
            _take_from(log, turn)
            await self._acceptance.end(turn, accepted.stored)
            self._conclude(turn, log, accepted.conversation)

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

    def _conclude(self, turn: Turn, log: EventLog, before: Conversation | None = None) -> None:
        """The last event, and what follows it in the background: the outbox."""
        log.emit(turn.ended)
        self._outbox.put(turn, log.frames, before.tail if before is not None else ())


def _take_from(log: EventLog, turn: Turn) -> None:
    """Writes into the turn's record what its events tell of it."""
    turn.duration_ms, turn.tools = log.elapsed_ms, log.tools
