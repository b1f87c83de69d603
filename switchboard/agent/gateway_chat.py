"""The model gateway as a chat service of Semantic Kernel: OpenAI's streaming protocol, without a second client's cost.

The kernel drives the loop of model and tools; this says how one model call is sent and read. What arrives together in
one read of the socket is one message to the kernel, and a tool call is told once, when it is whole.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from typing import Any, ClassVar

import aiohttp
import orjson
from opentelemetry import propagate
from opentelemetry.trace import SpanKind, Status, StatusCode
from pydantic import PrivateAttr
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.connectors.ai.function_choice_type import FunctionChoiceType
from semantic_kernel.connectors.ai.prompt_execution_settings import PromptExecutionSettings
from semantic_kernel.contents import (
    AuthorRole,
    ChatHistory,
    ChatMessageContent,
    FunctionCallContent,
    StreamingChatMessageContent,
    StreamingTextContent,
)

from switchboard.contracts.errors import LimitExceeded, SwitchboardError, Unavailable
from switchboard.contracts.events import Usage
from switchboard.contracts.money import picousd_of
from switchboard.contracts.sse import EVENT_BYTES_MAX
from switchboard.models.caller import caller_headers
from switchboard.telemetry import tracer

CONNECT_TIMEOUT_S = 2.0
CONNECTIONS_MAX = 200
ERROR_BYTES_MAX = 64 * 1024
MODEL_UNAVAILABLE = "The language model does not answer at the moment. Please try again shortly."
MODEL_BUSY = "The language model is busy at the moment. Please try again a little later."
JSON_HEADERS = {"content-type": "application/json"}
RETRY_AFTER_S = 5
"""Where the gateway does not say."""
CHOICE_INDEX = 0

model_of_turn: ContextVar[str | None] = ContextVar("switchboard_model_of_turn", default=None)
"""Alias that an experiment puts in the place of the card's, in the turn whose loop runs in this context."""


class GatewayConnection:
    """The pooled connection to `base_url`, an OpenAI-compatible API. Made in a running event loop; close it."""

    def __init__(self, base_url: str, *, seconds: float) -> None:
        self._base = base_url.rstrip("/")
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=seconds)
        connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX)
        self._session = aiohttp.ClientSession(
            timeout=timeout, connector=connector, trust_env=False, read_bufsize=EVENT_BYTES_MAX
        )

    async def close(self) -> None:
        await self._session.close()

    async def models(self) -> dict[str, str]:
        """Who owns each model or alias, by its name. Raises `Unavailable`."""
        try:
            async with self._session.get(f"{self._base}/models") as answer:
                if answer.status != 200:
                    raise Unavailable(MODEL_UNAVAILABLE)
                return {each["id"]: each["owned_by"] for each in orjson.loads(await answer.read())["data"]}
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError) as error:
            raise Unavailable(MODEL_UNAVAILABLE) from error

    async def chunks(self, body: Mapping[str, Any]) -> AsyncGenerator[list[dict[str, Any]]]:
        """The streamed chunks of one chat completion, as many at a time as arrived together.

        Raises `Unavailable` or `LimitExceeded` in our own words, also when the stream breaks off before its end.
        """
        headers = {**JSON_HEADERS, **caller_headers()}
        attributes = {"http.request.method": "POST", "url.path": "/chat/completions"}
        with tracer(__name__).start_as_current_span("POST", kind=SpanKind.CLIENT, attributes=attributes) as span:
            propagate.inject(headers)
            try:
                url = f"{self._base}/chat/completions"
                async with self._session.post(url, data=orjson.dumps(body), headers=headers) as answer:
                    span.set_attribute("http.response.status_code", answer.status)
                    if answer.status != 200:
                        raise await _refusal(answer)
                    async for chunks in _parsed(answer.content.iter_any()):
                        yield chunks
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                span.set_status(Status(StatusCode.ERROR))
                raise Unavailable(MODEL_UNAVAILABLE) from error
            except SwitchboardError as error:
                span.set_status(Status(StatusCode.ERROR, error.code))
                raise


class GatewaySettings(PromptExecutionSettings):
    """Of one model call; `offers_tools` is set by the kernel's function choice."""

    offers_tools: bool = False


class GatewayChat(ChatCompletionClientBase):
    """One agent's model: an alias of the gateway, and the agent's tools as JSON that was made once."""

    SUPPORTS_FUNCTION_CALLING: ClassVar[bool] = True
    _connection: GatewayConnection = PrivateAttr()
    _tools: list[dict[str, Any]] = PrivateAttr()

    def __init__(self, model: str, connection: GatewayConnection, tools: list[dict[str, Any]]) -> None:
        super().__init__(ai_model_id=model, service_id="model")
        self._connection = connection
        self._tools = tools

    def get_prompt_execution_settings_class(self) -> type[PromptExecutionSettings]:
        return GatewaySettings

    async def _inner_get_chat_message_contents(
        self, chat_history: ChatHistory, settings: PromptExecutionSettings
    ) -> list[ChatMessageContent]:
        raise NotImplementedError("The agents' loop streams.")

    async def _inner_get_streaming_chat_message_contents(
        self, chat_history: ChatHistory, settings: PromptExecutionSettings, function_invoke_attempt: int = 0
    ) -> AsyncGenerator[list[StreamingChatMessageContent], Any]:
        body: dict[str, Any] = {
            "model": model_of_turn.get() or self.ai_model_id,
            "messages": [message.to_dict() for message in chat_history.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if isinstance(settings, GatewaySettings) and settings.offers_tools:
            body |= {"tools": self._tools, "tool_choice": "auto"}
        calls: dict[int, _ToolCall] = {}
        async for chunks in self._connection.chunks(body):
            text, usage = _read(chunks, calls)
            if text or usage is not None:
                yield [self._message(text, usage, function_invoke_attempt)]
        if calls:
            yield [self._called(list(calls.values()), function_invoke_attempt)]

    def _message(self, text: str, usage: Usage | None, attempt: int) -> StreamingChatMessageContent:
        return StreamingChatMessageContent(
            role=AuthorRole.ASSISTANT,
            choice_index=CHOICE_INDEX,
            items=[StreamingTextContent(choice_index=CHOICE_INDEX, text=text)] if text else [],
            ai_model_id=self.ai_model_id,
            metadata={"usage": usage} if usage is not None else {},
            function_invoke_attempt=attempt,
        )

    def _called(self, calls: list["_ToolCall"], attempt: int) -> StreamingChatMessageContent:
        return StreamingChatMessageContent(
            role=AuthorRole.ASSISTANT,
            choice_index=CHOICE_INDEX,
            items=[FunctionCallContent(id=each.id, name=each.name, arguments=each.arguments) for each in calls],
            ai_model_id=self.ai_model_id,
            function_invoke_attempt=attempt,
        )

    def _update_function_choice_settings_callback(self) -> Callable[[Any, Any, Any], None]:
        def offer(choice: Any, settings: Any, kind: FunctionChoiceType) -> None:
            del kind  # the loop knows `auto` only
            settings.offers_tools = bool(choice.available_functions)

        return offer

    def _reset_function_choice_settings(self, settings: Any) -> None:
        settings.offers_tools = False


class _ToolCall:
    __slots__ = ("arguments", "id", "name")

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments = ""

    def add(self, delta: Mapping[str, Any]) -> None:
        self.id = self.id or str(delta.get("id") or "")
        function = delta.get("function") or {}
        self.name += function.get("name") or ""
        self.arguments += function.get("arguments") or ""


def _read(chunks: list[dict[str, Any]], calls: dict[int, _ToolCall]) -> tuple[str, Usage | None]:
    """The words and the usage in `chunks`; parts of tool calls go into `calls`, by their index."""
    text, usage = "", None
    for chunk in chunks:
        if isinstance(chunk.get("usage"), dict):
            usage = _usage(chunk["usage"])
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            text += delta.get("content") or ""
            for number, call in enumerate(delta.get("tool_calls") or ()):
                calls.setdefault(call.get("index", number), _ToolCall()).add(call)
    return text, usage


def _usage(usage: Mapping[str, Any]) -> Usage:
    cost = usage.get("cost_picousd")
    return Usage(
        prompt_tokens=usage.get("prompt_tokens") or 0,
        completion_tokens=usage.get("completion_tokens") or 0,
        model_calls=1,
        cost_picousd=cost if isinstance(cost, int) else picousd_of(usage.get("cost_usd") or 0),
    )


async def _parsed(reads: AsyncIterator[bytes]) -> AsyncIterator[list[dict[str, Any]]]:
    """The JSON of the `data:` lines in each read. Raises `Unavailable` for an error event or an end without `[DONE]`."""
    rest = b""
    async for read in reads:
        *lines, rest = (rest + read).split(b"\n")
        if len(rest) > EVENT_BYTES_MAX:
            raise Unavailable(MODEL_UNAVAILABLE)
        chunks: list[dict[str, Any]] = []
        for line in lines:
            if not line.startswith(b"data:"):
                continue
            data = line[5:].strip()
            if data == b"[DONE]":
                if chunks:
                    yield chunks
                return
            chunk = orjson.loads(data)
            if not isinstance(chunk, dict):
                raise Unavailable(MODEL_UNAVAILABLE)
            if chunk.get("error"):
                raise _told(chunk["error"])
            chunks.append(chunk)
        if chunks:
            yield chunks
    raise Unavailable(MODEL_UNAVAILABLE)


async def _refusal(answer: aiohttp.ClientResponse) -> SwitchboardError:
    if answer.status == 429:
        retry_after = answer.headers.get("retry-after", "")
        return LimitExceeded(MODEL_BUSY, retry_after_s=int(retry_after) if retry_after.isdigit() else RETRY_AFTER_S)
    await answer.content.read(ERROR_BYTES_MAX)
    return Unavailable(MODEL_UNAVAILABLE)


def _told(error: Any) -> SwitchboardError:
    if isinstance(error, dict) and error.get("type") in ("rate_limit_error", "rate_limit_exceeded"):
        return LimitExceeded(MODEL_BUSY, retry_after_s=RETRY_AFTER_S)
    return Unavailable(MODEL_UNAVAILABLE)
