"""Service invocation through the sidecar over HTTP, streamed chunk by chunk.

The SDK's own `invoke_method` reads the whole answer before it gives any of it, so this talks to the sidecar's
HTTP API with aiohttp (which the SDK itself depends on) over one pooled session.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

import aiohttp
import orjson
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)
from yarl import URL

from switchboard.contracts.errors import Unavailable
from switchboard.sidecar.ports import BODY_BYTES_MAX, Response

CONNECT_TIMEOUT_S = 2.0
CONNECTIONS_MAX = 512
ATTEMPTS_MAX = 4
"""One call and three retries."""
RETRY_S_MAX = 2.0
"""No retry begins later: a name that mDNS does not find costs the sidecar 1.5 s each time."""
REFUSAL_BYTES_MAX = 16 * 1024
"""Only an error answer this small is read to see whether the sidecar gave it."""
_PATH = "/?=&%"

_log = logging.getLogger(__name__)
_tracer = trace.get_tracer(__name__)


class _NobodyAnswered(Exception):
    """No byte of the app was seen and asking again may find a live replica."""


class DaprInvoker:
    """`Invoker` over `http://<host>:<port>/v1.0/invoke/<app id>/method/<path>`."""

    def __init__(self, host: str, http_port: int, api_token: str | None) -> None:
        self._base = f"http://{host}:{http_port}/v1.0/invoke/"
        self._headers = {"content-type": "application/json", "accept-encoding": "identity"}
        if api_token:
            self._headers["dapr-api-token"] = api_token
        self._session: aiohttp.ClientSession | None = None

    def use(self, session: aiohttp.ClientSession | None) -> None:
        """Gives it the pooled session of the process, or takes it away."""
        self._session = session

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
        """In a client span. Leaving the block before the answer's end cancels the work behind it."""
        url = URL(f"{self._base}{quote(app_id, safe='')}/method/{quote(path.lstrip('/'), safe=_PATH)}", encoded=True)
        attributes = {"rpc.system": "dapr", "server.address": app_id, "url.path": path}
        with _tracer.start_as_current_span(f"invoke {app_id}", kind=SpanKind.CLIENT, attributes=attributes) as span:
            sent = {**self._headers, **(headers or {})}
            propagate.inject(sent)
            call = _Call(app_id, method, url, orjson.dumps(json if json is not None else {}), sent, timeout_s)
            response = await self._first_byte(call)
            span.set_attribute("http.response.status_code", response.status)
            if response.status >= 500:
                span.set_status(Status(StatusCode.ERROR))
            try:
                yield response
            finally:
                response.close()

    async def _first_byte(self, call: "_Call") -> "_DaprResponse":
        try:
            async for attempt in AsyncRetrying(
                stop=stop_after_attempt(ATTEMPTS_MAX) | stop_after_delay(RETRY_S_MAX),
                wait=wait_random_exponential(multiplier=0.05, max=0.5),
                retry=retry_if_exception_type(_NobodyAnswered),
                reraise=True,
            ):
                with attempt:
                    return await self._attempt(call)
        except _NobodyAnswered as error:
            _log.warning("nobody answered for %s: %s", call.app_id, error)
            raise Unavailable() from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            _log.warning("the call of %s broke before its answer: %s", call.app_id, type(error).__name__)
            raise Unavailable() from error
        raise AssertionError("tenacity ended without an outcome")

    async def _attempt(self, call: "_Call") -> "_DaprResponse":
        if self._session is None or self._session.closed:
            raise Unavailable()
        timeout = aiohttp.ClientTimeout(total=call.timeout_s, connect=CONNECT_TIMEOUT_S)
        try:
            answer = await self._session.request(
                call.method,
                call.url,
                data=call.body if call.method == "POST" else None,
                headers=call.headers,
                timeout=timeout,
                allow_redirects=False,
            )
        except aiohttp.ClientConnectorError as error:
            raise _NobodyAnswered(str(error)) from error
        if answer.status < 500 or not 0 < (answer.content_length or 0) <= REFUSAL_BYTES_MAX:
            return _DaprResponse(call.app_id, answer, None)
        body = await answer.read()
        refusal = _refusal(body)
        if refusal is not None:
            raise _NobodyAnswered(refusal)
        return _DaprResponse(call.app_id, answer, body)


@dataclass(frozen=True, slots=True)
class _Call:
    app_id: str
    method: str
    url: URL
    body: bytes
    headers: Mapping[str, str]
    timeout_s: float


def _refusal(body: bytes) -> str | None:
    """The message when the sidecar itself, not the app, gave this answer."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(answer, dict):
        return None
    fields = cast(dict[str, Any], answer)
    refused = str(fields.get("errorCode", "")).startswith("ERR_DIRECT_INVOKE")
    return str(fields.get("message", ""))[:300] if refused else None


class _DaprResponse:
    def __init__(self, app_id: str, answer: aiohttp.ClientResponse, read: bytes | None) -> None:
        self._app_id = app_id
        self._answer = answer
        self._read = read

    def close(self) -> None:
        """Gives the connection back; one whose body was not read to its end is cut, which cancels the work behind it."""
        if self._read is not None or self._answer.content.at_eof():
            self._answer.release()
        else:
            self._answer.close()

    @property
    def status(self) -> int:
        return self._answer.status

    async def chunks(self) -> AsyncIterator[bytes]:
        if self._read is not None:
            yield self._read
            return
        try:
            async for chunk in self._answer.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            _log.warning("the answer of %s broke off: %s", self._app_id, type(error).__name__)
            raise Unavailable() from error

    async def body(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for chunk in self.chunks():
            size += len(chunk)
            if size > BODY_BYTES_MAX:
                raise Unavailable()
            parts.append(chunk)
        return b"".join(parts)
