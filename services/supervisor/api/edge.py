"""The outermost layer of the API: names the trace, catches the unforeseen."""

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from switchboard.contracts import headers
from switchboard.contracts.errors import OurError
from switchboard.serving.problems import problem_response
from switchboard.telemetry import current_trace_id

NO_TRACE = "0" * 32
TRACE_ID = headers.TRACE_ID.encode()

logger = logging.getLogger(__name__)


class Edge:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

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

        try:
            await self.app(scope, receive, traced)
        except Exception:
            logger.exception("%s %s failed.", scope["method"], scope["path"])
            if started:
                raise
            await problem_response(OurError())(scope, receive, traced)
