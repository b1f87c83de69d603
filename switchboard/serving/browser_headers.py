"""What every answer of ours tells browsers and caches: no guessing of types, no keeping, and TLS again where there is TLS."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NO_SNIFFING = ("x-content-type-options", "nosniff")
NO_STORE = ("cache-control", "no-store")
TLS_ONLY = ("strict-transport-security", "max-age=31536000; includeSubDomains")
"""For a year; only where the request came over TLS, as the server or a proxy that it trusts says."""
FIELDS = (NO_SNIFFING, NO_STORE)


class BrowserHeaders:
    """ASGI middleware. What a route says itself stays."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        fields = (*FIELDS, TLS_ONLY) if scope.get("scheme") == "https" else FIELDS

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in fields:
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, told)
