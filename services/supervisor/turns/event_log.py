"""The event log of one turn in this process: what is said is in the log that all replicas see before anybody hears it.

Written by the replica that answers the turn, read by whoever listens; where another replica answers it, filled from the
log that all see (`TurnLogs.follow`).
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from services.supervisor.turns.records import Turn
from services.supervisor.turns.replicas.in_hand import Slot
from services.supervisor.turns.streams.port import EventStreams, Fenced, Frame
from switchboard.contracts.errors import OurError, SwitchboardError, Unavailable
from switchboard.contracts.events import (
    TURN_ENDS,
    MessageDelta,
    RouteDecided,
    ToolCalled,
    ToolReturned,
    TurnEnd,
    TurnEvent,
    TurnStarted,
    turn_event_adapter,
)
from switchboard.sidecar import keys

EVENTS_MAX = 20_000
"""Of one turn; a specialist that says more is out of order."""
TOOLS_MAX = 64
"""Names of called tools that a turn's record keeps."""
GATHER_S = 0.01
"""What is said goes into the shared log together; the first event, the first word and the last event wait for nothing."""
AWAY_S = 1.0
"""After the shared log did not answer, words go on without it for so long; what it missed it gets then."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ToolDone:
    """A tool call that ended well: perhaps an effect."""

    call_id: str
    summary: str


class EventLog:
    """A turn's events so far. One writer; readers join and leave as they like and hold nothing up."""

    def __init__(self, streams: EventStreams | None = None) -> None:
        """`streams`: where all replicas see what is written here; None for a log that is filled from there."""
        self.turn: Turn | None = None
        """Once it is accepted, where this process answers it."""
        self.slot: Slot | None = None
        """Where this replica says that it has the turn in hand."""
        self.turn_id = ""
        self.frames: list[Frame] = []
        """That can be heard."""
        self.route: RouteDecided | None = None
        self.tools: list[str] = []
        """Names of those called, in order."""
        self.calls: list[str] = []
        """Ids of the tool calls, in order."""
        self.done: list[ToolDone] = []
        self.has_words = False
        """Words of the answer were said."""
        self.ended: TurnEnd | None = None
        self.is_whole = True
        """All that was said before is in it, so that what comes next has a number."""
        self.is_ending = False
        """The answer is there, and its end is being written down: nobody can stop that any more."""
        self.is_lost = False
        """Another replica has the turn now."""
        self.on_lost: Callable[[], object] | None = None
        self.on_away: Callable[[], object] | None = None
        """The shared log does not answer: what is heard from now on may never be in it."""
        self._streams = streams
        self._seq = 0
        self._due: list[Frame] = []
        """Said, and not yet to be heard."""
        self._writing: list[Frame] = []
        self._owed: list[Frame] = []
        """Heard, and not yet in the shared log: it was away."""
        self._away_until_s = 0.0
        self._writer: asyncio.Task[None] | None = None
        self._gathering: asyncio.TimerHandle | None = None
        self._is_urgent = False
        self._is_over = False
        """The last event can be heard."""
        self._before_end: asyncio.Task[None] | None = None
        self._opened_s = time.perf_counter()
        self._accepted: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._end: asyncio.Future[TurnEnd] = asyncio.get_running_loop().create_future()
        self._waiting: list[asyncio.Future[None]] = []

    @classmethod
    def of(cls, turn_id: str) -> "EventLog":
        """A log that tells of a turn which another process answers, or which has ended."""
        log = cls()
        log.turn_id = turn_id
        return log

    @property
    def elapsed_ms(self) -> float:
        """Since it was opened."""
        return round((time.perf_counter() - self._opened_s) * 1000, 2)

    @property
    def seq(self) -> int:
        """The number of the last event that was said."""
        return self._seq

    @property
    def said(self) -> list[Frame]:
        """All of them, those that are on their way to be heard too."""
        return [*self.frames, *self._writing, *self._due]

    @property
    def heard(self) -> int:
        """The number of the last event that could be heard."""
        return self.frames[-1].seq if self.frames else 0

    def accept(self, turn: Turn) -> None:
        """The turn is written down."""
        self.turn, self.turn_id = turn, turn.turn_id
        if not self._accepted.done():
            self._accepted.set_result(turn.turn_id)

    def defer(self, turn_id: str) -> None:
        """There is another turn to read instead of this one."""
        if not self._accepted.done():
            self._accepted.set_result(turn_id)

    def refuse(self, error: SwitchboardError) -> None:
        """The turn was never accepted; who waits for that gets `error`."""
        self._is_over = True
        for waited_for in (self._accepted, self._end):
            if not waited_for.done():
                waited_for.set_exception(error)
                waited_for.exception()  # seen: the client may have gone before it could be told
        self._wake()

    async def accepted(self) -> str:
        """The id of the turn to read, once it is written down. Raises why it is not."""
        return await asyncio.shield(self._accepted)

    # -- writing

    def emit(self, event: TurnEvent, data: bytes | None = None) -> None:
        """Adds an event; `data` is its JSON, where it is encoded already. It is heard when it is in the shared log.

        Raises `OurError` above the bound; the last event of a turn always passes.
        """
        if self._seq >= EVENTS_MAX and not isinstance(event, TURN_ENDS):
            raise OurError
        if self.is_lost:
            return
        is_urgent = isinstance(event, (TurnStarted, *TURN_ENDS)) or (
            isinstance(event, MessageDelta) and not self.has_words
        )
        self._seq += 1
        self._note(event)
        self._due.append(Frame(self._seq, event.type, data if data is not None else event.model_dump_json().encode()))
        if is_urgent:
            self._hurry()
        elif self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(GATHER_S, self._hurry)

    def conclude(self, event: TurnEnd, before: "asyncio.Task[None]") -> None:
        """Adds the last event of a turn whose record says so already; it is heard when `before`, which raises nothing, is
        done too. Who waits for the end alone, and for no event, waits for `before` alone."""
        self._before_end = before
        before.add_done_callback(lambda _: self._tell_end(event))
        self.emit(event)

    async def written(self) -> None:
        """Returns when all that was said can be heard, or the log is lost."""
        self._hurry()
        while self._writer is not None and not self._writer.done():
            await asyncio.shield(self._writer)

    def lose(self) -> None:
        """Another replica has the turn: nothing more is written here, and what was not heard yet never will be."""
        if self.is_lost or self.ended is not None:
            return
        logger.warning("Turn %s is another replica's now.", self.turn_id)
        self.is_lost = True
        self._due, self._owed = [], []
        self._seq = self.heard
        if self.on_lost is not None:
            self.on_lost()

    def _hurry(self) -> None:
        """Writes what is due now, or when what is being written is there."""
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        self._is_urgent = True
        if self._due and (self._writer is None or self._writer.done()):
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        """Writes what is due, as long as it may not wait. Raises nothing."""
        while self._due and self._is_urgent and not self.is_lost:
            self._is_urgent = False
            self._writing, self._due = self._due, []
            try:
                await self._keep(self._writing)
            except Fenced:
                self.lose()
            if self.ended is not None and self._before_end is not None:
                await self._before_end
            frames, self._writing = self._writing, []
            if not self.is_lost:  # fenced behind its end it is not lost: the record says the same
                self._hear(frames)

    async def _keep(self, frames: Sequence[Frame]) -> None:
        """Writes to the shared log, what it missed first. Raises `Fenced`."""
        assert self._streams is not None and self.turn is not None
        self._owed += frames
        now_s = time.monotonic()
        if now_s < self._away_until_s:
            return
        try:
            await self._streams.append(
                keys.turn_events(self.turn.tenant, self.turn_id), self.turn.attempt, tuple(self._owed)
            )
            self._owed = []
        except Unavailable:
            logger.warning("The event log of turn %s cannot be written; it goes on without.", self.turn_id)
            self._away_until_s = now_s + AWAY_S
            if not self.turn.log_is_partial and self.on_away is not None:
                self.turn.log_is_partial = True
                self.on_away()

    # -- filling it from elsewhere

    def take(self, frames: Sequence[Frame]) -> None:
        """Adds what another replica wrote; what is here already is left out."""
        new = [each for each in frames if each.seq > self._seq]
        for each in new:
            self._seq = each.seq
            self._note(turn_event_adapter.validate_json(each.data))
        self._hear(new)

    def make(self, event: TurnEvent, seq: int = 0) -> None:
        """Adds an event that is made of the turn's record; only the last one of a turn keeps its number."""
        self._note(event)
        self._hear([Frame(seq, event.type, event.model_dump_json().encode())])

    # -- reading

    async def read(self, after: int = 0, *, silence_s: float | None = None) -> AsyncIterator[Sequence[Frame]]:
        """Frames with a higher number than `after` as they come, to the turn's end: at each step all that are there.

        None are there after `silence_s` without any.
        """
        position = 0
        while True:
            if frames := [each for each in self.frames[position:] if each.seq > after or each.seq == 0]:
                position = len(self.frames)
                yield frames
            elif self._is_over:
                return
            else:
                position = len(self.frames)
                waiter = asyncio.get_running_loop().create_future()
                self._waiting.append(waiter)
                try:
                    async with asyncio.timeout(silence_s):
                        await waiter
                except TimeoutError:
                    yield ()

    async def end(self) -> TurnEnd:
        """Waits for the last event. Raises the error of a turn that was never accepted."""
        return await asyncio.shield(self._end)

    def _note(self, event: TurnEvent) -> None:
        match event:
            case MessageDelta():
                self.has_words = True
            case RouteDecided():
                self.route = event
            case ToolCalled():
                if len(self.tools) < TOOLS_MAX:
                    self.tools.append(event.name)
                    self.calls.append(event.call_id)
            case ToolReturned() if event.ok:
                if len(self.done) < TOOLS_MAX:
                    self.done.append(ToolDone(event.call_id, event.summary))
            case _:
                if isinstance(event, TURN_ENDS):
                    self.ended = event

    def _hear(self, frames: Sequence[Frame]) -> None:
        """From now on readers have them."""
        self.frames += frames
        if self.ended is not None and frames and frames[-1].type == self.ended.type:
            self._is_over = True
            self._tell_end(self.ended)
        self._wake()

    def _tell_end(self, ended: TurnEnd) -> None:
        if not self._end.done():
            self._end.set_result(ended)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)
