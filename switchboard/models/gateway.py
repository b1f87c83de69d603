"""The one client of the model gateway: chat, embeddings, and which model is behind an alias.

It is OpenAI's own client, with its retries off: the gateway retries. Requests are sent by the client's `post`, which
takes a body as it is, and a stream's bytes are parsed here: the typed methods build and check a tree of objects a
chunk, which costs more than everything else that a turn does (ADR 0016 has the figures).
"""

import asyncio
import base64
import importlib
import time
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import aiohttp
import numpy as np
import orjson
from opentelemetry import propagate
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from switchboard.contracts import headers, paths, sse
from switchboard.contracts.errors import (
    BadConfiguration,
    LimitExceeded,
    SwitchboardError,
    TooLarge,
    Unavailable,
    Unprocessable,
)
from switchboard.contracts.model_errors import CONTENT_FILTER, CONTEXT_LENGTH_EXCEEDED
from switchboard.models.caller import Caller
from switchboard.models.embedder import DIMENSIONS, Vectors
from switchboard.telemetry import tracer

if TYPE_CHECKING:
    from openai import AsyncOpenAI

EMBEDDED: Final = "embedded"
"""Who owns, by the gateway's list of models, the one in its own process: it costs nothing, and it only extracts."""
MODEL_UNAVAILABLE: Final = "The language model does not answer at the moment. Please try again shortly."
MODEL_BUSY: Final = "The language model is busy at the moment. Please try again a little later."
MODEL_NOT_CONFIGURED: Final = "The assistant cannot answer at the moment. Our team has been told and is working on it."
CONVERSATION_TOO_LONG: Final = "This conversation is too long for the assistant. Please start a new one."
FILTERED: Final = "The assistant cannot answer that."
NO_KEY: Final = "-"
"""OpenAI's client asks for a key; through a sidecar the gateway, which alone holds a provider's, wants none."""
CONNECT_TIMEOUT_S: Final = 2.0
CONNECTIONS_MAX: Final = 200
KEEP_ALIVE_S: Final = 15.0
RETRY_AFTER_S: Final = 5
"""Where the gateway does not say."""
OWNERS_FRESH_S: Final = 60.0
OWNERS_TIMEOUT_S: Final = 5.0
EMBEDDED_TEXTS_MAX: Final = 64
"""In one request."""
DONE: Final = b"[DONE]"
RATE_LIMIT_TYPES: Final = ("rate_limit_error", "rate_limit_exceeded")


class ContextTooLong(TooLarge):
    """The messages and tools are longer than the model can read: fewer or shorter ones may do."""


class ContentFiltered(Unprocessable):
    """The provider's filter refused what it was asked."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer of a chat model."""

    text: str
    model: str
    """Which model gave it, where that is told."""


class GatewayClient:
    """One pool of connections to `base_url`, an OpenAI-compatible API that ends in `/v1`. May be used concurrently.

    The OpenAI package is loaded with the first call of a model: a process that only asks who owns an alias, and finds
    the embedded model, does without its 13 MiB.
    """

    def __init__(
        self, base_url: str, *, timeout_s: float = 60.0, api_token: str | None = None, api_key: str = NO_KEY
    ) -> None:
        """`timeout_s` is the longest silence of a model that is answering; `api_token` the sidecar's, where it has one.

        `api_key` is one of the gateway's, where `base_url` is the gateway itself and no sidecar.
        """
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s
        self._own_headers = {headers.DAPR_API_TOKEN: api_token} if api_token else {}
        self._api_key = api_key
        self._openai: AsyncOpenAI | None = None
        self._owners: Mapping[str, tuple[str, str]] = {}
        self._owners_until_s = float("-inf")

    async def close(self) -> None:
        """Closes the pool; calls under way break off."""
        if self._openai is not None:
            await self._openai.close()

    async def is_embedded(self, alias: str) -> bool:
        """Whether the gateway's own model is behind `alias`. Raises `Unavailable`."""
        return await self._owner_of(alias) == EMBEDDED

    async def is_language_model(self, alias: str) -> bool:
        """Whether a real language model is behind `alias`, not the embedded one and not none. Raises `Unavailable`."""
        return await self._owner_of(alias) not in (EMBEDDED, None)

    async def model_behind(self, alias: str) -> str:
        """Owner and name of the model that answers first for `alias`; empty where there is none. Raises `Unavailable`."""
        return "/".join(await self._listed(alias) or ())

    async def _owner_of(self, alias: str) -> str | None:
        listed = await self._listed(alias)
        return listed[0] if listed else None

    async def _listed(self, alias: str) -> tuple[str, str] | None:
        """Owner and name, by the gateway's list of models, which is asked for again after a minute."""
        if time.monotonic() >= self._owners_until_s:
            self._owners = await self._list_owners()
            self._owners_until_s = time.monotonic() + OWNERS_FRESH_S
        return self._owners.get(alias)

    async def complete(self, body: Mapping[str, Any], caller: Caller, *, timeout_s: float | None = None) -> Completion:
        """The answer to a chat completion's `body`, whole, within `timeout_s` where that is given.

        Raises `Unavailable` or `LimitExceeded` in our own words, and what `chunks` names besides.
        """
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._answer(paths.CHAT_COMPLETIONS, body, caller)
        except TimeoutError as error:
            raise Unavailable(MODEL_UNAVAILABLE) from error
        try:
            return Completion(str(answer["choices"][0]["message"]["content"] or ""), str(answer.get("model") or ""))
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise Unavailable("The language model gave an answer that is no text.") from error

    async def chunks(self, body: Mapping[str, Any], caller: Caller) -> AsyncGenerator[list[dict[str, Any]]]:
        """The streamed chunks of a chat completion, as many at a time as arrived together.

        Raises `Unavailable` or `LimitExceeded` in our own words, also when the stream breaks off before its end;
        `ContextTooLong` and `ContentFiltered`; `BadConfiguration` where an operator must act before any call can succeed.
        """
        async with aclosing(self._bytes(paths.CHAT_COMPLETIONS, body, caller)) as reads:
            parser, done = sse.Parser(), False
            async for read in reads:
                chunks: list[dict[str, Any]] = []
                for event in _events(parser, read):
                    done = done or event.data == DONE
                    if event.data and not done:
                        chunks.append(_chunk(event.data))
                if chunks:
                    yield chunks
            if not done:
                raise Unavailable(MODEL_UNAVAILABLE)

    async def embed(self, texts: Sequence[str], alias: str, caller: Caller) -> tuple[Vectors, str]:
        """Unit vectors (len(texts), 384), and the model that made them. At most 64 texts; raises `Unavailable`."""
        body = {"model": alias, "input": list(texts), "encoding_format": "base64"}
        answer = await self._answer(paths.EMBEDDINGS, body, caller)
        try:
            rows = sorted(answer["data"], key=lambda item: item["index"])
            vectors = np.stack([np.frombuffer(base64.b64decode(row["embedding"]), dtype="<f4") for row in rows])
            model = str(answer["model"])
        except (KeyError, TypeError, ValueError) as error:
            raise Unavailable("The model gateway gave an answer that is no embedding.") from error
        if vectors.shape != (len(texts), DIMENSIONS):
            raise Unavailable(f"The model gateway gave vectors of another size than {DIMENSIONS}.")
        return vectors, model

    async def _list_owners(self) -> dict[str, tuple[str, str]]:
        timeout = aiohttp.ClientTimeout(total=OWNERS_TIMEOUT_S)
        url = f"{self._base_url}{paths.MODELS.removeprefix('v1')}"
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
                session.get(url, headers={**self._own_headers, "authorization": f"Bearer {self._api_key}"}) as answer,
            ):
                if answer.status != 200:
                    raise Unavailable(MODEL_UNAVAILABLE)
                listed = orjson.loads(await answer.read())["data"]
                return {each["id"]: (each.get("owned_by", ""), each.get("root", each["id"])) for each in listed}
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError) as error:
            raise Unavailable(MODEL_UNAVAILABLE) from error

    async def _answer(self, path: str, body: Mapping[str, Any], caller: Caller) -> Any:
        """The JSON of a whole answer, whatever it is."""
        async with aclosing(self._bytes(path, body, caller)) as reads:
            answer = b"".join([read async for read in reads])
        try:
            return orjson.loads(answer)
        except orjson.JSONDecodeError as error:
            raise Unavailable("The model gateway gave an answer that is no JSON.") from error

    async def _bytes(self, path: str, body: Mapping[str, Any], caller: Caller) -> AsyncGenerator[bytes]:
        """The bytes of an answer, as they arrive, in a span of their own."""
        client = self._openai or await self._opened()
        from httpx2 import HTTPError, StreamError
        from openai import AsyncStream, OpenAIError

        path = path.removeprefix("v1")
        with _span(path) as span:
            sent = {**self._own_headers, **caller.headers, "content-type": "application/json"}
            propagate.inject(sent)
            try:
                stream = await client.post(
                    path,
                    cast_to=object,
                    content=orjson.dumps(body),
                    options={"headers": sent},
                    stream=True,
                    stream_cls=AsyncStream[object],
                )
                try:
                    span.set_attribute("http.response.status_code", stream.response.status_code)
                    async for read in stream.response.aiter_bytes():
                        yield read
                finally:
                    await stream.close()
            except (OpenAIError, HTTPError, StreamError, OSError) as error:
                raise _failure(error) from error

    async def _opened(self) -> "AsyncOpenAI":
        await asyncio.to_thread(importlib.import_module, "openai")  # a quarter of a second
        from httpx2 import Limits, Timeout
        from openai import AsyncOpenAI, DefaultAioHttpClient

        if self._openai is None:
            transport = DefaultAioHttpClient(
                timeout=Timeout(self._timeout_s, connect=CONNECT_TIMEOUT_S),
                limits=Limits(max_connections=CONNECTIONS_MAX, keepalive_expiry=KEEP_ALIVE_S),
                trust_env=False,
            )
            self._openai = AsyncOpenAI(
                api_key=self._api_key, base_url=self._base_url, max_retries=0, http_client=transport
            )
        return self._openai


class GatewayEmbedder:
    """`Embedder` by the gateway's alias, for one caller; `for_caller` gives the same for another one."""

    def __init__(self, client: GatewayClient, caller: Caller, *, alias: str = "embedding") -> None:
        self._client = client
        self._caller = caller
        self._alias = alias
        self._model_id = alias

    def for_caller(self, caller: Caller) -> "GatewayEmbedder":
        return GatewayEmbedder(self._client, caller, alias=self._alias)

    @property
    def model_id(self) -> str:
        """The model that answered last; before the first answer, the alias."""
        return self._model_id

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Raises `Unavailable` when the gateway does not answer or answers with something else."""
        parts = [np.empty((0, DIMENSIONS), dtype=np.float32)]
        for start in range(0, len(texts), EMBEDDED_TEXTS_MAX):
            batch = texts[start : start + EMBEDDED_TEXTS_MAX]
            vectors, self._model_id = await self._client.embed(batch, self._alias, self._caller)
            parts.append(vectors)
        return np.concatenate(parts)


def url_behind_sidecar(dapr_http_port: int, gateway_app_id: str) -> str:
    """The gateway's base URL as a process reaches it through its own sidecar."""
    return f"http://127.0.0.1:{dapr_http_port}/v1.0/invoke/{gateway_app_id}/method/v1"


@contextmanager
def _span(path: str) -> Generator[Span]:
    attributes = {"http.request.method": "POST", "url.path": path}
    with tracer(__name__).start_as_current_span("POST", kind=SpanKind.CLIENT, attributes=attributes) as span:
        try:
            yield span
        except SwitchboardError as error:
            span.set_status(Status(StatusCode.ERROR, error.code))
            raise


def _events(parser: sse.Parser, read: bytes) -> Iterator[sse.Event]:
    try:
        yield from parser.feed(read)
    except sse.EventTooLong as error:
        raise Unavailable(MODEL_UNAVAILABLE) from error


def _chunk(data: bytes) -> dict[str, Any]:
    """One chunk. Raises for what is none, and for an error that the gateway tells in the stream."""
    try:
        chunk: Any = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Unavailable(MODEL_UNAVAILABLE) from error
    if not isinstance(chunk, dict):
        raise Unavailable(MODEL_UNAVAILABLE)
    found = cast(dict[str, Any], chunk)
    if failure := found.get("error"):
        raise _told(cast(dict[str, Any], failure) if isinstance(failure, dict) else {}, "")
    return found


def _failure(error: Exception) -> SwitchboardError:
    """In our own words: a provider's never reach a customer."""
    from openai import APIStatusError

    if not isinstance(error, APIStatusError):
        return Unavailable(MODEL_UNAVAILABLE)
    body: Any = error.body
    told = cast(dict[str, Any], body) if isinstance(body, dict) else {}
    if error.status_code == 429:
        told = {"type": RATE_LIMIT_TYPES[0]}
    return _told(told, error.response.headers.get(headers.RETRY_AFTER, ""))


def _told(failure: Mapping[str, Any], retry_after: str) -> SwitchboardError:
    """The error that OpenAI's error object stands for, in an answer of its own or within a stream."""
    code = failure.get("code")
    if failure.get("type") in RATE_LIMIT_TYPES:
        return LimitExceeded(MODEL_BUSY, retry_after_s=int(retry_after) if retry_after.isdigit() else RETRY_AFTER_S)
    if code == CONTEXT_LENGTH_EXCEEDED:
        return ContextTooLong(CONVERSATION_TOO_LONG)
    if code == CONTENT_FILTER:
        return ContentFiltered(FILTERED)
    if code == BadConfiguration.code:
        return BadConfiguration(MODEL_NOT_CONFIGURED)
    return Unavailable(MODEL_UNAVAILABLE)
