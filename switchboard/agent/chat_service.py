"""A chat service of Semantic Kernel over the gateway's client: how one model call is sent and read.

The kernel drives the loop of model and tools. Its own OpenAI service would do the same at 4.3 ms more a turn, and
loads 38 MiB for audio and video (ADR 0016). What arrives together is one message to the kernel, and a tool call is
told once, when it is whole.
"""

import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, ClassVar, Final

from pydantic import PrivateAttr
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.connectors.ai.function_calling_utils import update_settings_from_function_call_configuration
from semantic_kernel.connectors.ai.prompt_execution_settings import PromptExecutionSettings
from semantic_kernel.contents import (
    AuthorRole,
    ChatHistory,
    FunctionCallContent,
    StreamingChatMessageContent,
    StreamingTextContent,
)

from switchboard.agent.utterances import NONE, Utterances
from switchboard.contracts.events import Usage
from switchboard.models.caller import Caller
from switchboard.models.gateway import GatewayClient

ATTEMPTS_MAX: Final = 2
"""A model that says nothing and calls nothing is asked once more."""
CHOICE_INDEX: Final = 0
PICOUSD_PER_USD: Final = 10**12
SERVICE_ID: Final = "model"
USAGE: Final = "usage"
"""Where a message's metadata hold the `Usage` of the model call that ended with it."""

logger = logging.getLogger(__name__)


class ChatSettings(PromptExecutionSettings):
    """Of the model calls of one turn. The kernel puts the tools in."""

    tools: list[dict[str, Any]] | None = None
    tool_choice: str | None = None
    _model: str = PrivateAttr()
    _caller: Caller = PrivateAttr()
    _utterances: Utterances = PrivateAttr()

    def __init__(self, model: str, caller: Caller, utterances: Utterances = NONE) -> None:
        super().__init__(service_id=SERVICE_ID)
        self._utterances = utterances
        self._model = model
        self._caller = caller

    @property
    def model(self) -> str:
        """Alias at the gateway."""
        return self._model

    @property
    def caller(self) -> Caller:
        """Whom the calls are for."""
        return self._caller

    @property
    def utterances(self) -> Utterances:
        """What the tools are shown with: none but to the embedded model."""
        return self._utterances


class GatewayChatService(ChatCompletionClientBase):
    """The chat models behind the gateway. It streams only; shared by concurrent turns."""

    SUPPORTS_FUNCTION_CALLING: ClassVar[bool] = True
    _client: GatewayClient = PrivateAttr()

    def __init__(self, alias: str, client: GatewayClient) -> None:
        super().__init__(ai_model_id=alias, service_id=SERVICE_ID)
        self._client = client

    def get_prompt_execution_settings_class(self) -> type[PromptExecutionSettings]:
        """For the kernel: what it makes where it is given no settings."""
        return ChatSettings

    async def _inner_get_streaming_chat_message_contents(
        self, chat_history: ChatHistory, settings: PromptExecutionSettings, function_invoke_attempt: int = 0
    ) -> AsyncGenerator[list[StreamingChatMessageContent], Any]:
        assert isinstance(settings, ChatSettings)
        body: dict[str, Any] = {
            "model": settings.model,
            "messages": [message.to_dict() for message in chat_history.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if settings.tools:
            tools = [settings.utterances.added_to(each) for each in settings.tools]
            body |= {"tools": tools, "tool_choice": settings.tool_choice}
        for _ in range(ATTEMPTS_MAX):
            answer = _Answer()
            async with aclosing(self._client.chunks(body, settings.caller)) as reads:
                async for chunks in reads:
                    text, usage = answer.read(chunks)
                    if text or usage is not None:
                        yield [_message(_texts(text), function_invoke_attempt, usage)]
            if answer.calls:
                yield [_message([each.content for each in answer.calls], function_invoke_attempt)]
            if not answer.is_empty:
                return
            logger.warning("The model %s answered with nothing.", settings.model)

    def _update_function_choice_settings_callback(self) -> Callable[[Any, Any, Any], None]:
        return update_settings_from_function_call_configuration

    def _reset_function_choice_settings(self, settings: PromptExecutionSettings) -> None:
        assert isinstance(settings, ChatSettings)
        settings.tools = settings.tool_choice = None


class _Answer:
    """What one model call has answered so far."""

    def __init__(self) -> None:
        self._calls: dict[int, _ToolCall] = {}
        self._leading_space = ""
        self._has_text = False

    @property
    def calls(self) -> list["_ToolCall"]:
        return list(self._calls.values())

    @property
    def is_empty(self) -> bool:
        return not self._has_text and not self._calls

    def read(self, chunks: Sequence[Mapping[str, Any]]) -> tuple[str, Usage | None]:
        """The text in `chunks` that can be given now, and the usage. White space waits for a word that follows it."""
        text, usage = "", None
        for chunk in chunks:
            if isinstance(chunk.get("usage"), dict):
                usage = usage_of(chunk["usage"])
            for choice in chunk.get("choices") or ():
                delta: Mapping[str, Any] = choice.get("delta") or {}
                tool_calls: Sequence[Mapping[str, Any]] = delta.get("tool_calls") or ()
                text += str(delta.get("content") or "")
                for number, call in enumerate(tool_calls):
                    self._calls.setdefault(call.get("index", number), _ToolCall()).add(call)
        if not self._has_text:
            text = self._leading_space + text
            self._has_text = bool(text.strip())
            if not self._has_text:
                self._leading_space, text = text, ""
        return text, usage


class _ToolCall:
    """A tool call whose parts come one after the other."""

    __slots__ = ("_arguments", "_id", "_name")

    def __init__(self) -> None:
        self._id = self._name = self._arguments = ""

    def add(self, delta: Mapping[str, Any]) -> None:
        self._id = self._id or str(delta.get("id") or "")
        function: Mapping[str, Any] = delta.get("function") or {}
        self._name += str(function.get("name") or "")
        self._arguments += str(function.get("arguments") or "")

    @property
    def content(self) -> FunctionCallContent:
        return FunctionCallContent(id=self._id, name=self._name, arguments=self._arguments)


def usage_of(usage: Mapping[str, Any]) -> Usage:
    """Of one model call, by the gateway's usage. Other gateways tell the cost in dollars only, or not at all."""
    cost_picousd = usage.get("cost_picousd")
    return Usage(
        prompt_tokens=usage.get("prompt_tokens") or 0,
        completion_tokens=usage.get("completion_tokens") or 0,
        model_calls=1,
        cached_calls=1 if usage.get("cache") else 0,
        cost_picousd=cost_picousd
        if isinstance(cost_picousd, int)
        else round((usage.get("cost_usd") or 0) * PICOUSD_PER_USD),
    )


def _texts(text: str) -> list[StreamingTextContent]:
    return [StreamingTextContent(choice_index=CHOICE_INDEX, text=text)] if text else []


def _message(
    items: Sequence[StreamingTextContent | FunctionCallContent], attempt: int, usage: Usage | None = None
) -> StreamingChatMessageContent:
    return StreamingChatMessageContent(
        role=AuthorRole.ASSISTANT,
        choice_index=CHOICE_INDEX,
        items=list(items),
        metadata={USAGE: usage} if usage is not None else {},
        function_invoke_attempt=attempt,
    )
