"""A turn as server-sent events: `event:` its type, `id:` `<turn_id>:<seq>`, `data:` its JSON."""

from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse

from services.supervisor.turns.event_log import EventLog
from switchboard.contracts import sse
from switchboard.identity import CHECK_S, Session

PING_S = 15.0
"""A comment after this much silence: proxies close what seems dead."""


def stream(log: EventLog, session: Session, after: int = 0) -> StreamingResponse:
    """The turn's events after number `after`. The reader may go at any time; the turn does not notice.

    It breaks off when the reader's key is revoked or expires.
    """
    return StreamingResponse(_chunks(log, session, after), media_type=sse.MEDIA_TYPE, headers=sse.HEADERS)


def last_event_number(header: str | None, turn_id: str) -> int:
    """The number in a `Last-Event-ID` header of this turn; 0 for none, or for another turn's."""
    turn, _, number = (header or "").rpartition(":")
    return int(number) if turn == turn_id and number.isascii() and number.isdigit() and len(number) < 10 else 0


async def _chunks(log: EventLog, session: Session, after: int) -> AsyncIterator[bytes]:
    """Events that are there together go out in one write."""
    name, silent_s = log.turn_id.encode(), 0.0
    async for frames in log.read(after, silence_s=CHECK_S):
        if not session.is_live:
            return
        if frames:
            silent_s = 0.0
            yield b"".join(
                sse.encode(each.data, event=each.type.encode(), id=b"%s:%d" % (name, each.seq)) for each in frames
            )
        elif (silent_s := silent_s + CHECK_S) >= PING_S:
            silent_s = 0.0
            yield sse.PING
