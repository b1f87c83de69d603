"""The model loop: Semantic Kernel's chat agent with our tools as kernel functions, against any OpenAI-compatible URL.

Importing this module takes seconds (Semantic Kernel, openai); `bootstrap.py` does it once, in a thread, at start.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any, cast

import httpx2
from openai import APIError, APIStatusError, AsyncOpenAI, DefaultAsyncHttpxClient
from openai.types.chat import ChatCompletionChunk
from pydantic import PrivateAttr
from semantic_kernel import Kernel
from semantic_kernel.agents import ChatCompletionAgent, ChatHistoryAgentThread
from semantic_kernel.connectors.ai.function_calling_utils import kernel_function_metadata_to_function_call_format
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.function_choice_type import FunctionChoiceType
from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion, OpenAIChatPromptExecutionSettings
from semantic_kernel.contents import AuthorRole, ChatHistory, ChatMessageContent
from semantic_kernel.exceptions.kernel_exceptions import KernelException
from semantic_kernel.filters import AutoFunctionInvocationContext, FilterTypes, FunctionInvocationContext
from semantic_kernel.functions import FunctionResult, KernelArguments, KernelFunction, KernelPlugin
from semantic_kernel.functions.kernel_function_metadata import KernelFunctionMetadata
from semantic_kernel.functions.kernel_parameter_metadata import KernelParameterMetadata

from switchboard.agent.calls import ToolCalls
from switchboard.agent.prompt import Message, Words
from switchboard.agent.tool import Tool
from switchboard.contracts.cards import AgentCard
from switchboard.contracts.errors import LimitExceeded, SwitchboardError, Unavailable
from switchboard.contracts.events import Usage

CONNECT_TIMEOUT_S = 2.0
CONNECTIONS_MAX = 200
MODEL_UNAVAILABLE = "The language model does not answer at the moment. Please try again shortly."
EMBEDDED = "embedded"
"""Who owns, by the gateway's list of models, the one in its own process, which costs nothing."""
WARM_UP = "Please show me Example 1."
"""Anything with a name in it, so that the model also reads the tools' examples without their names."""
CHANGES_DATA = "It changes data: call it only when the user asks for it or agrees to it."
MODEL_BUSY = "The language model is busy at the moment. Please try again a little later."

calls_of_turn: ContextVar[ToolCalls] = ContextVar("switchboard_tool_calls")
"""The turn whose loop runs in this context; the kernel functions are built once and shared by all turns."""


class ToolFunction(KernelFunction):
    """A tool as Semantic Kernel sees it: our exact schema, and the turn's own `ToolCalls` to run it."""

    def __init__(self, tool: Tool, *, changes_data: bool) -> None:
        parameters = [
            KernelParameterMetadata(name=name, schema_data=schema, is_required=name in tool.required)
            for name, schema in tool.properties.items()
        ]
        metadata = KernelFunctionMetadata(
            name=tool.name,
            description=_described(tool, changes_data),
            parameters=parameters,
            is_prompt=False,
            is_asynchronous=True,
        )
        super().__init__(metadata=metadata)

    async def invoke(
        self,
        kernel: Kernel,
        arguments: KernelArguments | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> FunctionResult:
        """Runs the call. Spans and errors are `ToolCalls`' matter, so the kernel's own do not double them."""
        del kernel, metadata, kwargs
        value = await calls_of_turn.get().run(self.name, arguments or {})
        return FunctionResult(function=self.metadata, value=value)

    async def _invoke_internal(self, context: FunctionInvocationContext) -> None:
        context.result = await self.invoke(context.kernel, context.arguments)

    async def _invoke_internal_stream(self, context: FunctionInvocationContext) -> None:
        await self._invoke_internal(context)


class DeclaredChatCompletion(OpenAIChatCompletion):
    """Sends the tools as JSON that was made once.

    As `tools` they would be built anew and walked twice by the client on every model call of every turn.
    """

    _declared: list[dict[str, Any]] = PrivateAttr()

    def __init__(self, model: str, client: AsyncOpenAI, declared: list[dict[str, Any]]) -> None:
        super().__init__(ai_model_id=model, service_id="model", async_client=client)
        self._declared = declared

    def _update_function_choice_settings_callback(self) -> Callable[[Any, Any, Any], None]:
        def declare(choice: Any, settings: OpenAIChatPromptExecutionSettings, kind: FunctionChoiceType) -> None:
            if choice.available_functions:
                settings.extra_body = {"tools": self._declared, "tool_choice": kind.value}

        return declare

    def _reset_function_choice_settings(self, settings: Any) -> None:
        settings.extra_body = None


class ModelLoop:
    """An agent's kernel, built once: model client, functions, limits. Shared by concurrent turns."""

    def __init__(self, card: AgentCard, tools: Iterable[Tool], *, base_url: str) -> None:
        timeout = httpx2.Timeout(card.limits.seconds, connect=CONNECT_TIMEOUT_S)
        limits = httpx2.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX)
        self._http = DefaultAsyncHttpxClient(timeout=timeout, limits=limits, trust_env=False)
        # The retries are the gateway's; a second layer here would multiply them.
        client = AsyncOpenAI(base_url=base_url, api_key="-", max_retries=0, http_client=self._http)
        self._client, self._model = client, card.model
        kernel = Kernel()
        functions = [ToolFunction(tool, changes_data=_changes_data(card, tool)) for tool in tools]
        behavior = None
        if functions:
            kernel.plugins["tools"] = _plugin(functions)
            kernel.add_filter(FilterTypes.AUTO_FUNCTION_INVOCATION, _stop_when_told)
            # Each round makes at least one call, and after the last allowed one the model still has to answer.
            behavior = FunctionChoiceBehavior.Auto(maximum_auto_invoke_attempts=card.limits.tool_calls + 2)
        self._declared = [kernel_function_metadata_to_function_call_format(each.metadata) for each in functions]
        service = DeclaredChatCompletion(card.model, client, self._declared)
        self._agent = ChatCompletionAgent(
            name="".join(part.capitalize() for part in card.id.split("-")),
            kernel=kernel,
            service=service,
            function_choice_behavior=behavior,
            arguments=KernelArguments(OpenAIChatPromptExecutionSettings(service_id="model")),
        )
        self._agent.function_choice_behavior = behavior

    async def close(self) -> None:
        await self._http.aclose()

    async def warm(self) -> bool:
        """Shows the tools to the model once, if it is the gateway's embedded one: it computes what they mean only once.

        False, and nothing is asked, where the model is one that costs money. Raises `Unavailable`.
        """
        try:
            served = {each.id: each.owned_by for each in (await self._client.models.list()).data}
            if not self._declared or served.get(self._model) != EMBEDDED:
                return False
            await self._client.chat.completions.create(
                model=self._model,
                messages=[{"role": "user", "content": WARM_UP}],
                tools=cast(Any, self._declared),
                max_tokens=1,
            )
        except (APIError, httpx2.HTTPError) as error:
            raise _model_error(error) from error
        return True

    async def run(self, messages: Sequence[Message], calls: ToolCalls) -> AsyncGenerator[Words | Usage]:
        """The words of the answer as they come, and the usage of each model call as it ends.

        Run it in a task of its own. Raises `Unavailable` or `LimitExceeded` with our own words when the model does
        not answer, and what `calls.stopped` says.
        """
        token = calls_of_turn.set(calls)
        history = ChatHistory(messages=[_content(message) for message in messages])
        thread = ChatHistoryAgentThread(chat_history=history)
        try:
            stream = cast(AsyncGenerator[Any, None], self._agent.invoke_stream(thread=thread))
            async with aclosing(stream) as responses:
                async for response in responses:
                    message = response.message
                    chunk = message.inner_content
                    if message.content:
                        yield Words(message.content, message.function_invoke_attempt or 0)
                    if isinstance(chunk, ChatCompletionChunk) and chunk.usage is not None:
                        yield _usage(chunk)
        except (KernelException, APIError, httpx2.HTTPError) as error:
            raise _model_error(error) from error
        finally:
            calls_of_turn.reset(token)
        if calls.stopped is not None:
            raise calls.stopped


def _changes_data(card: AgentCard, tool: Tool) -> bool:
    policy = card.tools.get(tool.name)
    return policy is not None and policy.risk != "read"


def _described(tool: Tool, changes_data: bool) -> str:
    """The tool's docstring, with a warning before its examples where it changes data."""
    if not changes_data:
        return tool.description
    prose, mark, examples = tool.description.partition("Examples:")
    return f"{prose.rstrip()} {CHANGES_DATA}\n\n{mark}{examples}".rstrip()


def _plugin(functions: list[ToolFunction]) -> KernelPlugin:
    """A plugin whose functions keep their plain names: with a plugin's name the model would see `tools-name`."""
    plugin = KernelPlugin(name="tools")
    plugin.functions = {function.name: function for function in functions}
    return plugin


async def _stop_when_told(
    context: AutoFunctionInvocationContext, next: Callable[[AutoFunctionInvocationContext], Awaitable[None]]
) -> None:
    await next(context)
    if calls_of_turn.get().stopped is not None:
        context.terminate = True


def _content(message: Message) -> ChatMessageContent:
    return ChatMessageContent(role=AuthorRole(message.role), content=message.text)


def _usage(chunk: ChatCompletionChunk) -> Usage:
    usage = chunk.usage
    assert usage is not None
    extra = usage.model_extra or {}
    return Usage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        model_calls=1,
        cost_usd=float(extra.get("cost_usd") or 0.0),
    )


def _model_error(error: BaseException) -> SwitchboardError:
    """Our words for what the model's client raised, however deep the kernel wrapped it."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, APIStatusError):
        cause = cause.__cause__
    if isinstance(cause, APIStatusError) and cause.status_code == 429:
        retry_after = cause.response.headers.get("retry-after", "")
        return LimitExceeded(MODEL_BUSY, retry_after_s=int(retry_after) if retry_after.isdigit() else 5)
    return Unavailable(MODEL_UNAVAILABLE)
