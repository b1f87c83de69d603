"""The event log of a turn: what is said is in it before anybody hears it, in this process's memory."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from services.supervisor.turns.records import Turn
from switchboard.contracts.errors import OurError, SwitchboardError
from switchboard.contracts.events import RouteDecided, ToolCalled, TurnCompleted, TurnEvent, TurnFailed

EVENTS_MAX = 20_000
"""Of one turn; a specialist that says more is out of order."""
TOOLS_MAX = 64
"""Names of called tools that a turn's record keeps."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One event, encoded once for all its readers."""

    seq: int
    type: str
    data: bytes
    """Its JSON."""


class EventLog:
    """A turn's events so far. One writer; readers join and leave as they like and hold nothing up."""

    def __init__(self) -> None:
        self.turn: Turn | None = None
        """Once it is accepted, where this process answers it."""
        self.turn_id = ""
        self.frames: list[Frame] = []
        self.route: RouteDecided | None = None
        self.tools: list[str] = []
        """Names of those called, in order."""
        self.ended: TurnCompleted | TurnFailed | None = None
        self._opened_s = time.perf_counter()
        self._accepted: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._end: asyncio.Future[TurnCompleted | TurnFailed] = asyncio.get_running_loop().create_future()
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
        for waited_for in (self._accepted, self._end):
            if not waited_for.done():
                waited_for.set_exception(error)
                waited_for.exception()  # seen: the client may have gone before it could be told
        self._wake()

    async def accepted(self) -> str:
        """The id of the turn to read, once it is written down. Raises why it is not."""
        return await asyncio.shield(self._accepted)

    def emit(self, event: TurnEvent, data: bytes | None = None) -> None:
        """Adds an event; `data` is its JSON, where it is encoded already.

        Raises `OurError` above the bound; the last event of a turn always passes.
        """
        last = isinstance(event, TurnCompleted | TurnFailed)
        if len(self.frames) >= EVENTS_MAX and not last:
            raise OurError
        data = data if data is not None else event.model_dump_json().encode()
        self.frames.append(Frame(len(self.frames) + 1, event.type, data))
        if last:
            self.ended = event
            if not self._end.done():
                self._end.set_result(event)
        elif isinstance(event, RouteDecided):
            self.route = event
        elif isinstance(event, ToolCalled) and len(self.tools) < TOOLS_MAX:
            self.tools.append(event.name)
        self._wake()

    async def read(self, after: int = 0, *, silence_s: float | None = None) -> AsyncIterator[Sequence[Frame]]:
        """Frames with a higher number than `after` as they come, to the turn's end: at each step all that are there.

        None are there after `silence_s` without any.
        """
        position = max(0, after)
        while True:
            if frames := self.frames[position:]:
                position += len(frames)
                yield frames
            elif self._end.done():
                return
            else:
                waiter = asyncio.get_running_loop().create_future()
                self._waiting.append(waiter)
                try:
                    await asyncio.wait_for(waiter, silence_s)
                except TimeoutError:
                    yield ()

    async def end(self) -> TurnCompleted | TurnFailed:
        """Waits for the last event. Raises the error of a turn that was never accepted."""
        return await asyncio.shield(self._end)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)
