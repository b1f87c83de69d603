"""Evaluates a share of the turns of real users, after they ended: scores onto the trace and into the experiment's tally."""

import asyncio
import contextvars
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from services.supervisor.feedback.experiment_tallies import ExperimentTallies
from services.supervisor.turns.records import Turn
from services.supervisor.turns.streams.port import Frame
from switchboard.contracts.errors import SwitchboardError
from switchboard.contracts.events import turn_event_adapter
from switchboard.contracts.money import usd_of
from switchboard.contracts.turns import HistoryMessage
from switchboard.experiments.sampling import sampled
from switchboard.models.embedder import Embedder
from switchboard.scoring.evaluators import Score, scores_of
from switchboard.scoring.span import TurnOfSpan, record_scores
from switchboard.scoring.transcript import Transcript, transcript_of

WAITING_MAX = 64
"""Turns that wait to be evaluated; more are left out and counted, so that evaluation never holds up answers."""
CLOSING_S_MAX = 2.0
DURATION = "duration_ms"
COST = "cost_usd"
READ_TYPES = frozenset({"turn.started", "route.decided", "tool.called", "tool.result", "turn.completed", "turn.failed"})
"""The words themselves stand in the last event again."""

logger = logging.getLogger(__name__)


class OnlineEvaluation:
    """One worker a process, one turn at a time. `consider` returns at once; nothing is raised to whoever calls it."""

    def __init__(self, embedder: Embedder, tallies: ExperimentTallies, *, share: float) -> None:
        self._embedder = embedder
        self._tallies = tallies
        self._share = share
        self._waiting: deque[tuple[Turn, tuple[Frame, ...], tuple[HistoryMessage, ...], Callable[[bool], None]]] = (
            deque()
        )
        self._worker: asyncio.Task[None] | None = None
        self.left_out = 0

    def wants(self, turn: Turn) -> bool:
        """Whether a turn is in the sample."""
        return sampled(turn.turn_id, self._share)

    def consider(
        self,
        turn: Turn,
        frames: Iterable[Frame] = (),
        history: Sequence[HistoryMessage] = (),
        note: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """Takes a turn that ended, where it is in the sample. `frames`: its events, none for an asynchronous turn.

        `note` is told when it is over with; what failed or was left out is not tried again.
        """
        if not self.wants(turn):
            note(True)
            return
        if len(self._waiting) >= WAITING_MAX:
            self.left_out += 1
            logger.warning("%d turns were not evaluated: too many are waiting", self.left_out)
            note(True)
            return
        kept = tuple(frame for frame in frames if frame.type in READ_TYPES)
        self._waiting.append((turn, kept, tuple(history), note))
        if self._worker is None or self._worker.done():
            # Of no request: the one that is in hand here must not be stamped with other turns' ids.
            self._worker = asyncio.create_task(self._work(), context=contextvars.Context())

    async def close(self) -> None:
        """Evaluates what waits, at most two seconds long."""
        if self._worker is not None:
            await asyncio.wait({self._worker}, timeout=CLOSING_S_MAX)
            self._worker.cancel()

    async def _work(self) -> None:
        while self._waiting:
            turn, frames, history, note = self._waiting.popleft()
            try:
                await self._evaluate(turn, transcript(turn, frames, history))
            except SwitchboardError as error:
                logger.warning("turn %s was not evaluated: %s", turn.turn_id, error.code)
            except Exception:
                logger.exception("Turn %s was not evaluated.", turn.turn_id)
            note(True)

    async def _evaluate(self, turn: Turn, seen: Transcript) -> None:
        scores: list[Score] = await scores_of(seen, None, self._embedder)
        record_scores(scores, place_of(turn))
        if turn.experiment:
            values = {score.metric: score.value for score in scores}
            values |= {DURATION: turn.duration_ms, COST: usd_of(turn.usage.cost_picousd)}
            await self._tallies.add_scores(turn.experiment, turn.tenant, values)


def place_of(turn: Turn) -> TurnOfSpan:
    return TurnOfSpan(
        trace_id=turn.trace_id,
        span_id=turn.span_id,
        tenant=turn.tenant,
        user=turn.user,
        conversation_id=turn.conversation_id,
        turn_id=turn.turn_id,
        experiment=turn.experiment,
    )


def transcript(turn: Turn, frames: Sequence[Frame], history: Sequence[HistoryMessage]) -> Transcript:
    """What there is to see of a turn: its events, or its record alone where they went elsewhere."""
    if frames:
        events = [turn_event_adapter.validate_json(frame.data) for frame in frames]
        seen = transcript_of(turn.message, events, history=history)
    else:
        seen = Transcript(
            message=turn.message,
            text=turn.text,
            agents=turn.agents,
            citations=turn.citations,
            code=turn.code,
            failure=turn.failure,
            tools_seen=False,
        )
    seen.user, seen.turn_id, seen.conversation_id = turn.user, turn.turn_id, turn.conversation_id
    return seen
