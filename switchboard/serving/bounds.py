"""How large a request may be, for every service of ours: what is too large is refused before it is read whole."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from switchboard.contracts.errors import TooLarge

BODY_BYTES_MAX = 1024 * 1024
"""Of a request to a service whose callers are our own."""
FRAME_BYTES_MAX = 64 * 1024
"""Of one message of a WebSocket, inflated; a larger one ends the connection when its length is known."""
DRAINED_BYTES_MAX = 1024 * 1024
"""So much of a body that is too large is read and dropped: a client that is still writing never sees an answer."""


class BodyTooLarge(TooLarge, HTTPException):
    """413. FastAPI tells an exception that is not its own, while it reads a body, as another fault of that body."""

    def __init__(self, bytes_max: int) -> None:
        TooLarge.__init__(self, f"The request is too large: at most {bytes_max // 1024} KiB.")
        self.status_code, self.detail, self.headers = self.status, self.message, None


class BoundedBody:
    """ASGI middleware. Paths that begin with one of `unbounded` bound their bodies themselves."""

    def __init__(self, app: ASGIApp, bytes_max: int, unbounded: tuple[str, ...] = ()) -> None:
        self.app = app
        self._bytes_max = bytes_max
        self._unbounded = unbounded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(self._unbounded):
            receive = _bounded(receive, self._bytes_max, _declared_bytes(scope))
        await self.app(scope, receive, send)


def _declared_bytes(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 20 else 0
    return 0


def _bounded(receive: Receive, bytes_max: int, declared: int) -> Receive:
    """Raises `BodyTooLarge` instead of giving more than `bytes_max`; at once where more is declared."""
    read = 0

    async def bounded() -> Message:
        nonlocal read
        if declared > bytes_max and read == 0:
            await _drain(receive)
            raise BodyTooLarge(bytes_max)
        message = await receive()
        if message["type"] == "http.request":
            read += len(message.get("body", b""))
            if read > bytes_max:
                if message.get("more_body", False):
                    await _drain(receive)
                raise BodyTooLarge(bytes_max)
        return message

    return bounded


async def _drain(receive: Receive) -> None:
    read = 0
    while read < DRAINED_BYTES_MAX:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
        read += len(message.get("body", b""))
