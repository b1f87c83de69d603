"""A turn as server-sent events: `event:` its type, `id:` `<turn_id>:<seq>`, `data:` its JSON.

An event that is made of the turn's record, for want of its log, has no id: the client's last one stays what it is.
"""

from collections.abc import AsyncIterator, Callable, Mapping

from starlette.responses import StreamingResponse

from services.supervisor.turns.event_log import EventLog
from services.supervisor.turns.streams.port import Frame
from switchboard.contracts import sse
from switchboard.identity import CHECK_S, Session

PING_S = 15.0
"""A comment after this much silence: proxies close what seems dead."""


def stream(
    log: EventLog,
    session: Session,
    after: int = 0,
    told: Mapping[str, str] | None = None,
    leaving: Callable[[], None] | None = None,
) -> StreamingResponse:
    """The turn's events after number `after`. The reader may go at any time; the turn does not notice, unless `leaving`
    is to be called then.

    It breaks off when the reader's key is revoked or expires.
    """
    headers = {**sse.HEADERS, **(told or {})}
    return StreamingResponse(_chunks(log, session, after, leaving), media_type=sse.MEDIA_TYPE, headers=headers)


def last_event_number(header: str | None, turn_id: str = "") -> int:
    """The number in a `Last-Event-ID` header of this turn (of any, without an id); 0 for none, or for another turn's."""
    turn, _, number = (header or "").rpartition(":")
    is_it = turn == turn_id or not turn_id
    return int(number) if is_it and number.isascii() and number.isdigit() and len(number) < 10 else 0


async def _chunks(
    log: EventLog, session: Session, after: int, leaving: Callable[[], None] | None
) -> AsyncIterator[bytes]:
    """Events that are there together go out in one write."""
    name, silent_s = log.turn_id.encode(), 0.0
    try:
        async for frames in log.read(after, silence_s=CHECK_S):
            if not session.is_live:
                return
            if frames:
                silent_s = 0.0
                yield b"".join(_encoded(name, each) for each in frames)
            elif (silent_s := silent_s + CHECK_S) >= PING_S:
                silent_s = 0.0
                yield sse.PING
    finally:
        if leaving is not None and log.ended is None:
            leaving()


def _encoded(name: bytes, frame: Frame) -> bytes:
    id_ = b"%s:%d" % (name, frame.seq) if frame.seq else b""
    return sse.encode(frame.data, event=frame.type.encode(), id=id_)
