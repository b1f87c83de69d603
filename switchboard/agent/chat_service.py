"""A chat service of Semantic Kernel over the gateway's client: how one model call is sent, and what is made of its answer.

The kernel drives the loop of model and tools. Its own OpenAI service would do the same at 4.3 ms more a turn, and
loads 38 MiB for audio and video (ADR 0016). What arrives together is one message to the kernel, and a tool call is
told once, when it is whole.

A provider's oddities end here: an answer that says nothing or is refused is asked for again and then owned up to, one
that is cut off is gone on with, a conversation that is too long is shortened.
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

from switchboard.agent.model_messages import messages_of, shorter
from switchboard.agent.streamed_answer import LENGTH, StreamedAnswer
from switchboard.contracts.errors import SwitchboardError
from switchboard.contracts.events import Usage
from switchboard.models.caller import Caller
from switchboard.models.gateway import ContentFiltered, ContextTooLong, GatewayClient
from switchboard.text.sentences import first_sentence_end

ATTEMPTS_MAX: Final = 2
"""A model that says nothing and calls nothing is asked once more."""
SHORTENED_MAX: Final = 4
"""How often a conversation that is too long for the model is made shorter."""
CHOICE_INDEX: Final = 0
SERVICE_ID: Final = "model"
USAGE: Final = "usage"
"""Where a message's metadata hold the `Usage` of the model call that ended with it."""
DECLINED: Final = "declined"
"""In a message's metadata: the model, or its provider's filter, would not answer."""
CUT_OFF: Final = "I'm sorry, I can't say more about that."
GO_ON: Final = "Your last message was cut off. Go on exactly where it stopped, and repeat nothing."
OPEN_END: Final = " …"

logger = logging.getLogger(__name__)


class ChatSettings(PromptExecutionSettings):
    """Of the model calls of one turn. The kernel says in `tools` whether there are any in a call."""

    tools: list[dict[str, Any]] | None = None
    tool_choice: str | None = None
    _model: str = PrivateAttr()
    _caller: Caller = PrivateAttr()
    _declared: Sequence[Mapping[str, Any]] = PrivateAttr()

    def __init__(self, model: str, caller: Caller, declared: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(service_id=SERVICE_ID)
        self._declared = declared
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
    def declared(self) -> Sequence[Mapping[str, Any]]:
        """The tools as this model is to read them."""
        return self._declared


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
        body = _body(chat_history, settings)
        answer = StreamedAnswer()
        for _ in range(ATTEMPTS_MAX):
            answer = StreamedAnswer()
            async for text, usage in self._asked(body, settings.caller, answer):
                yield [_said(text, usage, function_invoke_attempt)]
            if not answer.is_empty:
                break
            logger.warning("The model %s %s.", settings.model, "refused" if answer.is_refused else "said nothing")
        if answer.calls:
            yield [_message(answer.calls, function_invoke_attempt)]
            return
        if answer.is_empty:
            if answer.is_refused:  # with a usage, for without one the kernel passes no message on that holds nothing
                yield [_message([], function_invoke_attempt, **{USAGE: Usage(), DECLINED: True})]
        elif answer.is_refused:
            yield [_said(f"\n\n{CUT_OFF}", None, function_invoke_attempt)]
        elif answer.finish_reason == LENGTH:
            async for text, usage in self._continued(body, settings.caller, answer):
                yield [_said(text, usage, function_invoke_attempt)]

    async def _asked(
        self, body: dict[str, Any], caller: Caller, answer: StreamedAnswer
    ) -> AsyncGenerator[tuple[str, Usage | None]]:
        """One model call into `answer`: text as it comes, usage at its end. What the filter refuses is a refusal.

        A conversation that is too long for the model is shortened in `body`, and asked about again.
        """
        for attempt in range(SHORTENED_MAX + 1):
            try:
                async with aclosing(self._client.chunks(body, caller)) as reads:
                    async for chunks in reads:
                        text, usage = answer.read(chunks)
                        if text or usage is not None:
                            yield text, usage
                return
            except ContentFiltered:
                answer.is_refused = True
                return
            except ContextTooLong:
                less = shorter(body["messages"])
                if less is None or attempt == SHORTENED_MAX:
                    raise
                logger.warning("The conversation is too long for %s: it is shortened.", body["model"])
                body["messages"] = less

    async def _continued(
        self, body: Mapping[str, Any], caller: Caller, answer: StreamedAnswer
    ) -> AsyncGenerator[tuple[str, Usage | None]]:
        """What follows an answer that reached the model's most tokens; where that is cut off too, its whole sentences."""
        more = [{"role": "assistant", "content": answer.text}, {"role": "user", "content": GO_ON}]
        asked = {**body, "messages": [*body["messages"], *more]}
        if "tools" in body:
            asked["tool_choice"] = "none"
        rest, sentence, held, said = StreamedAnswer(), "", "", False
        try:
            async for text, usage in self._asked(asked, caller, rest):
                held += _joined(answer.text, text) if rest.text == text else text
                while (end := first_sentence_end(held)) is not None:
                    sentence, held = sentence + held[:end], held[end:]
                    if any(map(str.isalpha, sentence)):  # the number of a list's item is no sentence
                        said = True
                        yield sentence, None
                        sentence = ""
                if usage is not None:
                    yield "", usage
        except SwitchboardError as error:
            logger.warning("A long answer was not gone on with: %s", error.message)
            rest.finish_reason = LENGTH
        if rest.finish_reason != LENGTH and sentence + held:
            yield sentence + held, None
        elif not said:
            yield OPEN_END, None

    def _update_function_choice_settings_callback(self) -> Callable[[Any, Any, Any], None]:
        return update_settings_from_function_call_configuration

    def _reset_function_choice_settings(self, settings: PromptExecutionSettings) -> None:
        assert isinstance(settings, ChatSettings)
        settings.tools = settings.tool_choice = None


def _body(history: ChatHistory, settings: ChatSettings) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": settings.model,
        "messages": messages_of(history),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if settings.tools:
        body |= {"tools": settings.declared, "tool_choice": settings.tool_choice}
    return body


def _joined(before: str, text: str) -> str:
    """`text` with the space that a model leaves out where it goes on; digits may be one number."""
    if before[-1:].isalnum() and text[:1].isalnum() and not (before[-1].isdigit() and text[0].isdigit()):
        return f" {text}"
    return text


def _said(text: str, usage: Usage | None, attempt: int) -> StreamingChatMessageContent:
    texts = [StreamingTextContent(choice_index=CHOICE_INDEX, text=text)] if text else []
    return _message(texts, attempt, **({USAGE: usage} if usage is not None else {}))


def _message(
    items: Sequence[StreamingTextContent | FunctionCallContent], attempt: int, **metadata: Any
) -> StreamingChatMessageContent:
    return StreamingChatMessageContent(
        role=AuthorRole.ASSISTANT,
        choice_index=CHOICE_INDEX,
        items=list(items),
        metadata=metadata,
        function_invoke_attempt=attempt,
    )
