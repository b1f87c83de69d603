"""The model loop: Semantic Kernel's chat agent with our tools as kernel functions, against any OpenAI-compatible URL.

Importing this module takes seconds (Semantic Kernel); `bootstrap.py` does it once, in a thread, at start.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any, cast

from semantic_kernel import Kernel
from semantic_kernel.agents import ChatCompletionAgent, ChatHistoryAgentThread
from semantic_kernel.connectors.ai.function_calling_utils import kernel_function_metadata_to_function_call_format
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.contents import AuthorRole, ChatHistory, ChatMessageContent
from semantic_kernel.exceptions.kernel_exceptions import KernelException
from semantic_kernel.filters import AutoFunctionInvocationContext, FilterTypes, FunctionInvocationContext
from semantic_kernel.functions import FunctionResult, KernelArguments, KernelFunction, KernelPlugin
from semantic_kernel.functions.kernel_function_metadata import KernelFunctionMetadata
from semantic_kernel.functions.kernel_parameter_metadata import KernelParameterMetadata

from switchboard.agent.calls import ToolCalls
from switchboard.agent.gateway_chat import (
    MODEL_UNAVAILABLE,
    GatewayChat,
    GatewayConnection,
    GatewaySettings,
    model_of_turn,
)
from switchboard.agent.prompt import Message, Words
from switchboard.agent.tool import Tool
from switchboard.contracts.cards import AgentCard
from switchboard.contracts.errors import Unavailable
from switchboard.contracts.events import Usage

EMBEDDED = "embedded"
"""Who owns, by the gateway's list of models, the one in its own process, which costs nothing."""
WARM_UP = "Please show me Example 1."
"""Anything with a name in it, so that the model also reads the tools' examples without their names."""
CHANGES_DATA = "It changes data: call it only when the user asks for it or agrees to it."

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


class ModelLoop:
    """An agent's kernel, built once: model client, functions, limits. Shared by concurrent turns."""

    def __init__(self, card: AgentCard, tools: Iterable[Tool], *, base_url: str) -> None:
        self._connection = GatewayConnection(base_url, seconds=card.limits.seconds)
        self.embedded = False
        self._model = card.model
        kernel = Kernel()
        functions = [ToolFunction(tool, changes_data=_changes_data(card, tool)) for tool in tools]
        behavior = None
        if functions:
            kernel.plugins["tools"] = _plugin(functions)
            kernel.add_filter(FilterTypes.AUTO_FUNCTION_INVOCATION, _stop_when_told)
            # Each round makes at least one call, and after the last allowed one the model still has to answer.
            behavior = FunctionChoiceBehavior.Auto(maximum_auto_invoke_attempts=card.limits.tool_calls + 2)
        self._declared = [kernel_function_metadata_to_function_call_format(each.metadata) for each in functions]
        service = GatewayChat(card.model, self._connection, self._declared)
        self._agent = ChatCompletionAgent(
            name="".join(part.capitalize() for part in card.id.split("-")),
            kernel=kernel,
            service=service,
            function_choice_behavior=behavior,
            arguments=KernelArguments(GatewaySettings(service_id="model")),
        )
        self._agent.function_choice_behavior = behavior

    async def close(self) -> None:
        await self._connection.close()

    async def warm(self) -> bool:
        """Shows the tools to the model once, if it is the gateway's embedded one: it computes what they mean only once.

        False, and nothing is asked, where the model is one that costs money. Raises `Unavailable`.
        """
        if not self._declared or (await self._connection.models()).get(self._model) != EMBEDDED:
            return False
        self.embedded = True
        body = {
            "model": self._model,
            "messages": [{"role": "user", "content": WARM_UP}],
            "tools": self._declared,
            "max_tokens": 1,
            "stream": True,
        }
        async for _ in self._connection.chunks(body):
            pass
        return True

    async def run(self, messages: Sequence[Message], calls: ToolCalls) -> AsyncGenerator[Words | Usage]:
        """The words of the answer as they come, and the usage of each model call as it ends.

        Run it in a task of its own. Raises `Unavailable` or `LimitExceeded` with our own words when the model does
        not answer, and what `calls.stopped` says.
        """
        token = calls_of_turn.set(calls)
        chosen = model_of_turn.set(calls.model)
        history = ChatHistory(messages=[_content(message) for message in messages])
        thread = ChatHistoryAgentThread(chat_history=history)
        try:
            stream = cast(AsyncGenerator[Any, None], self._agent.invoke_stream(thread=thread))
            async with aclosing(stream) as responses:
                async for response in responses:
                    message = response.message
                    if message.content:
                        yield Words(message.content, message.function_invoke_attempt or 0)
                    usage = message.metadata.get("usage")
                    if isinstance(usage, Usage):
                        yield usage
        except KernelException as error:
            raise Unavailable(MODEL_UNAVAILABLE) from error
        finally:
            model_of_turn.reset(chosen)
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
