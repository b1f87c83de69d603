"""A turn as server-sent events (WHATWG HTML §9.2): `event:` its type, `id:` `<turn_id>:<seq>`, `data:` its JSON."""

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse

from services.supervisor.turns.live import Frame, LiveTurn

HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}
PING_S = 15.0
"""A comment after this much silence: proxies close what seems dead."""


def stream(live: LiveTurn, after: int = 0) -> StreamingResponse:
    """The turn's events after number `after`. The reader may go at any time; the turn does not notice."""
    return StreamingResponse(_chunks(live, after), media_type="text/event-stream", headers=HEADERS)


def last_event_number(header: str | None, turn_id: str) -> int:
    """The number in a `Last-Event-ID` header of this turn; 0 for none, or for another turn's."""
    turn, _, number = (header or "").rpartition(":")
    return int(number) if turn == turn_id and number.isascii() and number.isdigit() and len(number) < 10 else 0


def encoded(turn_id: str, frame: Frame) -> str:
    """JSON has no raw line ends, so one `data:` line carries it."""
    return f"event: {frame.type}\nid: {turn_id}:{frame.seq}\ndata: {frame.json}\n\n"


async def _chunks(live: LiveTurn, after: int) -> AsyncIterator[str]:
    frames = live.read(after)
    while True:
        frame_coming = asyncio.ensure_future(anext(frames, None))
        while not frame_coming.done():
            done, _ = await asyncio.wait([frame_coming], timeout=PING_S)
            if not done:
                yield ": ping\n\n"
        frame = frame_coming.result()
        if frame is None:
            return
        yield encoded(live.turn_id, frame)
