"""OpenAI and every server that speaks its protocol: bodies pass through, only the model's name is rewritten."""

import asyncio
import re
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import orjson
from yarl import URL

from services.gateway.providers.port import (
    BROKEN_OFF,
    TOO_SLOW,
    UNREADABLE,
    Call,
    ContentFiltered,
    ContextTooLong,
    Down,
    EventBytes,
    KeyRefused,
    ModelAnswer,
    Spent,
    Throttled,
    spent_of,
)
from switchboard.contracts.errors import (
    BadConfiguration,
    DeadlineExceeded,
    SwitchboardError,
    Unavailable,
    Unprocessable,
)
from switchboard.contracts.headers import CLIENT_REQUEST_ID, RETRY_AFTER
from switchboard.contracts.model_errors import CONTENT_FILTER, CONTEXT_LENGTH_EXCEEDED

BASE_URL = "https://api.openai.com/v1"
CONNECTIONS_MAX = 1_000
KEEP_ALIVE_S = 30.0
ANSWER_BYTES_MAX = 16 * 1024 * 1024
READ_BYTES_MAX = 256 * 1024
END_S_MAX = 1.0
URLS_MAX = 256
RETRY_AFTER_S_MAX = 3_600
RETRY_AFTER_S_DEFAULT = 5
REFUSAL_BYTES_MAX = 16 * 1024
SENTENCE_CHARACTERS_MAX = 2_000
TOO_LONG = re.compile(
    r"context (?:length|window|size)|prompt is too long|too many (?:input )?tokens|token count [^.]{0,80}exceeds",
    re.IGNORECASE,
)
"""How servers that give no code say that the messages are longer than their model can read."""


class OpenAiCompatible:
    """A provider behind a base URL."""

    def __init__(self, *, base_url: str | None, api_key: str | None) -> None:
        self._base_url = (base_url or BASE_URL).rstrip("/")
        self._api_key = api_key
        self._session: aiohttp.ClientSession | None = None
        self._urls: dict[tuple[str, str], URL] = {}

    @property
    def name(self) -> str:
        return "openai"

    async def open(self) -> None:
        """Opens the pool; connections are made as they are needed."""
        # No client span here: `chat <model>` is one already, and its trace ends where our processes end.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=KEEP_ALIVE_S),
            read_bufsize=READ_BYTES_MAX,
            proxy=_proxy_for(self._base_url),
            skip_auto_headers=("user-agent", "accept-encoding"),
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def chat(self, call: Call) -> ModelAnswer:
        return await self._whole("chat/completions", call)

    async def embed(self, call: Call) -> ModelAnswer:
        return await self._whole("embeddings", call)

    async def stream(self, call: Call) -> EventBytes:
        options = call.body.get("stream_options")
        asked = {**options, "include_usage": True} if isinstance(options, dict) else {"include_usage": True}
        return _Events(await self._send("chat/completions", call, stream_options=asked))

    async def spent_on(self, call_id: str) -> Spent | None:
        del call_id

    def _url(self, path: str, model: str) -> str:
        del model
        return f"{self._base_url}/{path}"

    async def _headers(self) -> dict[str, str]:
        headers = {"content-type": "application/json"}
        if self._api_key:
            headers["authorization"] = f"Bearer {self._api_key}"
        return headers

    async def _whole(self, path: str, call: Call) -> ModelAnswer:
        response = await self._send(path, call)
        try:
            body = orjson.loads(await _bounded(response))
        except TimeoutError as error:
            raise DeadlineExceeded(TOO_SLOW) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(BROKEN_OFF) from error
        except orjson.JSONDecodeError as error:
            raise Unavailable(UNREADABLE) from error
        finally:
            response.release()
        if not isinstance(body, dict) or not isinstance(body.get("choices", body.get("data")), list):
            raise Unavailable(UNREADABLE)
        return ModelAnswer(
            body=body,
            spent=spent_of(body.get("usage")),
            model=str(body.get("model") or call.model),
            finish_reason=_finish_reason(body),
        )

    async def _send(self, path: str, call: Call, **more: Any) -> aiohttp.ClientResponse:
        """The open response of a call the provider accepted. Who calls bounds the time; connecting is bounded here."""
        if self._session is None:
            raise Unavailable("The model gateway is not ready yet.")
        headers = await self._headers()
        url = self._urls.get((path, call.model))
        if url is None:
            if len(self._urls) >= URLS_MAX:
                self._urls.clear()
            url = self._urls[path, call.model] = URL(self._url(path, call.model))
        if call.id:
            headers[CLIENT_REQUEST_ID] = call.id
        try:
            response = await self._session.post(
                url,
                data=orjson.dumps({**call.body, **more, "model": call.model}),
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=call.times.connect_s),
            )
        except TimeoutError as error:
            raise DeadlineExceeded(TOO_SLOW) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable("The model provider does not answer at the moment.") from error
        if response.status != 200:
            refusal = await _refusal_of(response)
            response.close()
            raise error_of(response.status, response.headers.get(RETRY_AFTER), refusal)
        return response


class _Events:
    """The body of a streamed answer."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def read(self) -> bytes:
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(BROKEN_OFF) from error

    async def close(self) -> None:
        self._response.release()  # closes what was not read to its end

    async def finish(self) -> None:
        """After the last event: a body read to its end gives its connection back to the pool."""
        try:
            async with asyncio.timeout(END_S_MAX):
                while await self._response.content.readany():
                    pass
        except (TimeoutError, aiohttp.ClientError, OSError):
            return  # `close` then closes the connection, which is all that is lost


async def _refusal_of(response: aiohttp.ClientResponse) -> str:
    """Of a 4xx whose body says more than its status: a code of `contracts.model_errors`, else nothing."""
    if response.status not in (400, 413, 422):
        return ""
    try:
        async with asyncio.timeout(END_S_MAX):
            return refusal_in(await response.content.read(REFUSAL_BYTES_MAX))
    except (TimeoutError, aiohttp.ClientError, OSError):
        return ""


def refusal_in(body: bytes) -> str:
    """`content_filter` or `context_length_exceeded`, however the provider words it; empty for all else.

    OpenAI and Azure tell it by a code, Azure's filter also by an inner one; other servers only in their sentence.
    """
    try:
        told: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    error: Any = told.get("error", told) if isinstance(told, dict) else None
    if not isinstance(error, dict):
        return ""
    inner = error.get("innererror")
    codes = {error.get("code"), error.get("type"), inner.get("code") if isinstance(inner, dict) else None}
    if codes & {CONTENT_FILTER, "ResponsibleAIPolicyViolation"}:
        return CONTENT_FILTER
    sentence = str(error.get("message") or error.get("detail") or "")[:SENTENCE_CHARACTERS_MAX]
    if CONTEXT_LENGTH_EXCEEDED in codes or TOO_LONG.search(sentence):
        return CONTEXT_LENGTH_EXCEEDED
    return ""


def error_of(status: int, retry_after: str | None, refusal: str = "") -> SwitchboardError:
    """Our error for a provider's status and what `refusal_in` read in its body, which is never passed on."""
    if refusal == CONTENT_FILTER:
        return ContentFiltered("The model provider's filter does not accept this request.")
    if refusal == CONTEXT_LENGTH_EXCEEDED or status == 413:
        return ContextTooLong("The conversation is too long for the model.")
    wait_s = float(retry_after) if retry_after and retry_after.replace(".", "", 1).isdigit() else None
    seconds = RETRY_AFTER_S_DEFAULT if wait_s is None else min(int(-(-wait_s // 1)), RETRY_AFTER_S_MAX)
    if status in (401, 403):
        return KeyRefused("The model provider refused the gateway's key. An operator must check it.")
    if status == 404:
        return BadConfiguration("The model provider does not have this model. An operator must check the policy.")
    if status == 429:
        message = "The model provider is busy. Please try again a little later."
        return Throttled(message, retry_after_s=seconds, wait_s=wait_s)
    if status in (408, 504):
        return DeadlineExceeded(TOO_SLOW)
    if status < 400:
        return BadConfiguration("The model provider answers with a redirect. An operator must check its address.")
    if status < 500:
        return Unprocessable("The model provider does not accept this request.")
    return Down("The model provider does not work at the moment.", retry_after_s=seconds, wait_s=wait_s)


def _proxy_for(base_url: str) -> str | None:
    """As the environment says (HTTPS_PROXY, NO_PROXY, ...), read once: aiohttp would do it in a thread for each call."""
    parts = urlsplit(base_url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := await response.content.readany():
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            raise Unavailable("The model provider's answer is too long.")
        parts.append(part)
    return b"".join(parts)


def _finish_reason(body: dict[str, Any]) -> str:
    choices = body.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return str(choices[0].get("finish_reason") or "")
    return ""
