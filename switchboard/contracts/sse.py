"""Server-sent events (WHATWG HTML §9.2): the one place that encodes them, and the one that parses them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MEDIA_TYPE: Final = "text/event-stream"
HEADERS: Final = {"cache-control": "no-cache", "x-accel-buffering": "no"}
"""Of an answer that is a stream: nobody on the way may keep or collect it."""
PING: Final = b": ping\n\n"
"""A comment; proxies close what seems dead."""
EVENT_BYTES_MAX: Final = 1024 * 1024


def encode(data: bytes, *, event: bytes = b"", id: bytes = b"") -> bytes:
    """One event. `data` is one line: JSON has no raw line ends."""
    head = b""
    if event:
        head = b"event: " + event + b"\n"
    if id:
        head += b"id: " + id + b"\n"
    return head + b"data: " + data + b"\n\n"


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it came. `raw` is its bytes with the blank line, for those who forward it unchanged."""

    data: bytes
    """The `data:` lines, joined by line ends; empty for a comment."""
    event: bytes
    id: bytes
    raw: bytes


class EventTooLong(ValueError):
    """An event is larger than `EVENT_BYTES_MAX`."""


class Parser:
    """Whole events out of the bytes of one stream, however they were cut. Not shared."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that `chunk` completes. Raises `EventTooLong`."""
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r", b"")  # JSON escapes it, so that a raw one is always part of a line's end
        *whole, self._rest = (self._rest + chunk).split(b"\n\n")
        if len(self._rest) > EVENT_BYTES_MAX:
            raise EventTooLong
        for raw in whole:
            yield _event(raw)


def _event(raw: bytes) -> Event:
    event = id_ = b""
    data: list[bytes] = []
    for line in raw.split(b"\n"):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match name:
            case b"data":
                data.append(value)
            case b"event":
                event = value
            case b"id":
                id_ = value
            case _:  # a comment, or a field that we do not use
                pass
    return Event(b"\n".join(data), event, id_, raw + b"\n\n")
