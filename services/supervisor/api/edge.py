"""The outermost layer of the API: bounds bodies before anything reads them, names the trace, catches the unforeseen."""

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from switchboard.contracts import headers
from switchboard.contracts.errors import OurError, TooLarge
from switchboard.serving.problems import problem_response
from switchboard.telemetry import current_trace_id

BODY_BYTES_MAX = 64 * 1024
DRAINED_BYTES_MAX = 4 * 1024 * 1024
"""So much of a body that is too large is read and dropped: a client that is still writing never sees an answer."""
NO_TRACE = "0" * 32
TRACE_ID = headers.TRACE_ID.encode()
TOO_LARGE = f"The request is too large: at most {BODY_BYTES_MAX // 1024} KiB."

logger = logging.getLogger(__name__)


class Edge:
    """ASGI middleware. `dapr_prefix` is left alone: events of the sidecar may be larger than what a user sends."""

    def __init__(self, app: ASGIApp, unbounded_prefixes: tuple[str, ...] = ("/dapr/", "/events/")) -> None:
        self.app = app
        self._unbounded = unbounded_prefixes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False
        trace_id = current_trace_id()

        async def traced(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                if trace_id != NO_TRACE:
                    message["headers"] = [*message["headers"], (TRACE_ID, trace_id.encode())]
            await send(message)

        bounded = receive
        if not scope["path"].startswith(self._unbounded):
            if _declared_bytes(scope) > BODY_BYTES_MAX:
                await _drain(receive)
                await problem_response(TooLarge(TOO_LARGE))(scope, receive, traced)
                return
            bounded = _bounded(receive)
        try:
            await self.app(scope, bounded, traced)
        except TooLarge as error:
            if started:
                raise
            await _drain(receive)
            await problem_response(error)(scope, receive, traced)
        except Exception:
            logger.exception("%s %s failed.", scope["method"], scope["path"])
            if started:
                raise
            await problem_response(OurError())(scope, receive, traced)


def _declared_bytes(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _bounded(receive: Receive) -> Receive:
    read = 0

    async def bounded() -> Message:
        nonlocal read
        message = await receive()
        if message["type"] == "http.request":
            read += len(message.get("body", b""))
            if read > BODY_BYTES_MAX:
                raise TooLarge(TOO_LARGE)
        return message

    return bounded


async def _drain(receive: Receive) -> None:
    read = 0
    while read < DRAINED_BYTES_MAX:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
        read += len(message.get("body", b""))
