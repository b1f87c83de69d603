"""Invocation of ASGI apps inside the process, streamed chunk by chunk.

httpx's ASGITransport waits for the whole answer, which would hide whether a service streams at all.
"""

import asyncio
import contextvars
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping, MutableMapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

import orjson
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind

from switchboard.contracts.errors import Unavailable
from switchboard.sidecar.ports import BODY_BYTES_MAX, Response

if TYPE_CHECKING:
    from switchboard.sidecar.inmemory.sidecar import AsgiApp

CHUNKS_MAX = 64
"""That wait for a slow reader before the app is held back."""

_tracer = trace.get_tracer(__name__)
T = TypeVar("T")
_Message = MutableMapping[str, Any]


class InMemoryInvoker:
    """`Invoker` over the apps that `attach` named; replicas of one app id take turns."""

    def __init__(self) -> None:
        self.down = False
        self._replicas: dict[str, list[AsgiApp]] = {}

    def attach(self, app_id: str, app: "AsgiApp") -> None:
        """Adds `app` as one more replica of `app_id`."""
        self._replicas.setdefault(app_id, []).append(app)

    def detach(self, app_id: str) -> None:
        """Takes all replicas of `app_id` away; calls of it raise `Unavailable`."""
        self._replicas.pop(app_id, None)

    @asynccontextmanager
    async def open(
        self,
        app_id: str,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 60.0,
        method: str = "POST",
    ) -> AsyncGenerator[Response]:
        """Calls the next replica in a task and a context of its own; leaving the block cancels what still runs."""
        replicas = self._replicas.get(app_id)
        if self.down or not replicas:
            raise Unavailable()
        replicas.append(app := replicas.pop(0))
        attributes = {"rpc.system": "memory", "server.address": app_id, "url.path": path}
        with _tracer.start_as_current_span(f"invoke {app_id}", kind=SpanKind.CLIENT, attributes=attributes):
            sent = {"content-type": "application/json", **(headers or {})}
            propagate.inject(sent)
            body = orjson.dumps(json if json is not None else {})
            exchange = _Exchange(app, method, path, sent, body, timeout_s)
            # The app has its own context: in production nothing but the headers crosses the wire.
            task = asyncio.create_task(exchange.run(), context=contextvars.Context())
            try:
                await exchange.within(exchange.started.wait())
                yield exchange
            finally:
                exchange.disconnected.set()
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


class _Exchange:
    """One request to an ASGI app; also the `Response` of it."""

    def __init__(
        self, app: "AsgiApp", method: str, path: str, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> None:
        self._deadline = time.monotonic() + timeout_s
        self.started = asyncio.Event()
        self.disconnected = asyncio.Event()
        self._app = app
        self._request: bytes | None = body
        self._status = 500
        self._sent: asyncio.Queue[bytes | None] = asyncio.Queue(CHUNKS_MAX)
        plain, _, query = path.partition("?")
        raw = "/" + plain.lstrip("/")
        self._scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(raw),
            "raw_path": raw.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 80),
            "state": {},
        }

    async def run(self) -> None:
        try:
            await self._app(self._scope, self._receive, self._send)
        except Exception:
            # A failure before the first byte is a 500; after it the answer ends early, as daprd passes it on.
            self.started.set()
        await self._sent.put(None)

    async def within(self, step: Awaitable[T]) -> T:
        """Raises `Unavailable` when the time of the whole exchange is over."""
        try:
            # Not `wait_for`: in Python 3.11 it takes what came at the same moment for more than being cancelled.
            async with asyncio.timeout(self._deadline - time.monotonic()):
                return await step
        except TimeoutError as error:
            raise Unavailable() from error

    async def _receive(self) -> _Message:
        if self._request is not None:
            body, self._request = self._request, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self.disconnected.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: _Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self.started.set()
        elif message["type"] == "http.response.body" and message.get("body"):
            await self._sent.put(message["body"])

    @property
    def status(self) -> int:
        return self._status

    async def body(self) -> bytes:
        whole = b"".join([chunk async for chunk in self.chunks()])
        if len(whole) > BODY_BYTES_MAX:
            raise Unavailable()
        return whole

    async def chunks(self) -> AsyncIterator[bytes]:
        while (chunk := await self.within(self._sent.get())) is not None:
            yield chunk
        self._sent.put_nowait(None)
