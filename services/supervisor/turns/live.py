"""Turns that run in this process: each says its events once, and any number of readers follow them."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass

from switchboard.contracts.errors import OurError, SwitchboardError, Unavailable
from switchboard.contracts.events import RouteDecided, ToolCalled, TurnCompleted, TurnEvent, TurnFailed

EVENTS_MAX = 20_000
"""Of one turn; a specialist that says more is out of order."""
TOOLS_MAX = 64
"""Names of called tools that a turn's record keeps."""
FINISHED_MAX = 256
"""Finished turns kept for readers that lost their connection; older ones are read from the store."""
RETRY_AFTER_S = 2


@dataclass(frozen=True, slots=True)
class Frame:
    """One event, encoded once for all its readers."""

    seq: int
    type: str
    json: str


class LiveTurn:
    """A turn's events so far. One writer; readers join and leave as they like and hold nothing up."""

    def __init__(self) -> None:
        self.turn_id = ""
        self.frames: list[Frame] = []
        self.route: RouteDecided | None = None
        self.tools: list[str] = []
        """Names of those called, in order."""
        self.ended: TurnCompleted | TurnFailed | None = None
        self.error: SwitchboardError | None = None
        self._accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting: list[asyncio.Future[None]] = []

    def accept(self, turn_id: str) -> None:
        self.turn_id = turn_id
        if not self._accepted.done():
            self._accepted.set_result(None)

    def refuse(self, error: SwitchboardError) -> None:
        """The turn was never accepted; who waits for that gets `error`."""
        self.error = error
        if not self._accepted.done():
            self._accepted.set_exception(error)
            self._accepted.exception()  # seen: the client may have gone before it could be told
        self._wake()

    async def accepted(self) -> None:
        """Returns once the turn is written down. Raises why it is not."""
        await asyncio.shield(self._accepted)

    def emit(self, event: TurnEvent) -> None:
        """Raises `OurError` above the bound; the last event of a turn always passes."""
        last = isinstance(event, TurnCompleted | TurnFailed)
        if len(self.frames) >= EVENTS_MAX and not last:
            raise OurError
        self.frames.append(Frame(len(self.frames) + 1, event.type, event.model_dump_json()))
        if isinstance(event, RouteDecided):
            self.route = event
        elif isinstance(event, ToolCalled) and len(self.tools) < TOOLS_MAX:
            self.tools.append(event.name)
        elif isinstance(event, TurnCompleted | TurnFailed):
            self.ended = event
        self._wake()

    async def read(self, after: int = 0) -> AsyncIterator[Frame]:
        """Frames with a higher number than `after`, as they come, to the turn's end."""
        position = max(0, after)
        while True:
            while position < len(self.frames):
                yield self.frames[position]
                position += 1
            if self.ended is not None or self.error is not None:
                return
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter

    async def end(self) -> TurnCompleted | TurnFailed:
        """Waits for the last event. Raises the error of a turn that was never accepted."""
        async for _ in self.read(len(self.frames)):
            pass
        if self.ended is None:
            raise self.error or Unavailable()
        return self.ended

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)


class LiveTurns:
    """The turns of this process: at most `turns_max` running, and the last ones that finished."""

    def __init__(self, turns_max: int) -> None:
        self._turns_max = turns_max
        self._running: set[LiveTurn] = set()
        self._by_id: dict[str, LiveTurn] = {}
        self._finished: OrderedDict[str, LiveTurn] = OrderedDict()

    def __len__(self) -> int:
        return len(self._running)

    def open(self) -> LiveTurn:
        """Raises `Unavailable` when as many run as may."""
        if len(self._running) >= self._turns_max:
            raise Unavailable(
                "Too many people are asking at once. Please try again in a moment.", retry_after_s=RETRY_AFTER_S
            )
        live = LiveTurn()
        self._running.add(live)
        return live

    def name(self, live: LiveTurn) -> None:
        """From now on it is found by its turn id."""
        self._by_id[live.turn_id] = live

    def close(self, live: LiveTurn) -> None:
        self._running.discard(live)
        if self._by_id.pop(live.turn_id, None) is None:
            return
        self._finished[live.turn_id] = live
        while len(self._finished) > FINISHED_MAX:
            self._finished.popitem(last=False)

    def find(self, turn_id: str) -> LiveTurn | None:
        return self._by_id.get(turn_id) or self._finished.get(turn_id)
