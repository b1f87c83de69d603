"""The model loop: Semantic Kernel's chat agent with our tools as kernel functions, against the gateway.

Importing this module takes half a second (Semantic Kernel); `bootstrap.py` does it once, in a thread, at start.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Any, Final, cast

from semantic_kernel import Kernel
from semantic_kernel.agents import ChatCompletionAgent, ChatHistoryAgentThread
from semantic_kernel.connectors.ai.function_calling_utils import kernel_function_metadata_to_function_call_format
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.function_choice_type import FunctionChoiceType
from semantic_kernel.contents import AuthorRole, ChatHistory, ChatMessageContent
from semantic_kernel.exceptions.kernel_exceptions import KernelException
from semantic_kernel.filters import AutoFunctionInvocationContext, FilterTypes, FunctionInvocationContext
from semantic_kernel.functions import FunctionResult, KernelArguments, KernelFunction, KernelPlugin
from semantic_kernel.functions.kernel_function_metadata import KernelFunctionMetadata
from semantic_kernel.functions.kernel_parameter_metadata import KernelParameterMetadata

from switchboard.agent.answer import ModelText
from switchboard.agent.chat_service import USAGE, ChatSettings, GatewayChatService
from switchboard.agent.prompt import PromptMessage
from switchboard.agent.tool import Tool
from switchboard.agent.tool_calls import ToolCalls
from switchboard.agent.utterances import NONE, Utterances
from switchboard.contracts.cards import AgentCard
from switchboard.contracts.errors import Unavailable
from switchboard.contracts.events import Usage
from switchboard.models.caller import Caller
from switchboard.models.gateway import MODEL_UNAVAILABLE, GatewayClient

WARM_UP: Final = "Please show me Example 1."
"""Anything with a name in it, so that the model also reads the tools' examples without their names."""
CHANGES_DATA: Final = "It changes data: call it only when the user asks for it or agrees to it."
TOOL_CALLS: Final = "$tool_calls"
"""Where the kernel's arguments carry the turn's `ToolCalls` to the functions. No tool's argument can have this name."""


class ToolFunction(KernelFunction):
    """A tool as Semantic Kernel sees it: our exact schema, run by the turn's `ToolCalls`. Shared by all turns."""

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
        values: dict[str, Any] = dict(arguments or {})
        calls: ToolCalls = values.pop(TOOL_CALLS)
        return FunctionResult(function=self.metadata, value=await calls.run(self.name, values))

    async def _invoke_internal(self, context: FunctionInvocationContext) -> None:
        context.result = await self.invoke(context.kernel, context.arguments)

    async def _invoke_internal_stream(self, context: FunctionInvocationContext) -> None:
        await self._invoke_internal(context)


class ModelLoop:
    """An agent's kernel, built once: chat service, functions, limits. Shared by concurrent turns."""

    def __init__(
        self, card: AgentCard, tools: Iterable[Tool], client: GatewayClient, utterances: Utterances = NONE
    ) -> None:
        self._utterances = utterances
        self._client = client
        self.embedded = False
        self._card = card
        kernel = Kernel()
        functions = [ToolFunction(tool, changes_data=_changes_data(card, tool)) for tool in tools]
        behavior = None
        if functions:
            kernel.plugins["tools"] = _plugin(functions)
            # Cast: the kernel declares its filters by a type without parameters.
            cast(Any, kernel).add_filter(FilterTypes.AUTO_FUNCTION_INVOCATION, _end_when_stopped)
            # Each round makes at least one call, and after the last allowed one the model still has to answer.
            behavior = FunctionChoiceBehavior(
                type_=FunctionChoiceType.AUTO, maximum_auto_invoke_attempts=card.limits.tool_calls + 2
            )
        self._schemas = [kernel_function_metadata_to_function_call_format(each.metadata) for each in functions]
        self._agent = ChatCompletionAgent(
            name="".join(part.capitalize() for part in card.id.split("-")),
            kernel=kernel,
            service=GatewayChatService(card.model, client),
            function_choice_behavior=behavior,
        )
        self._agent.function_choice_behavior = behavior

    async def warm(self) -> bool:
        """Shows the tools to the model once, if it is the gateway's embedded one: it computes what they mean only once.

        False, and nothing is asked, where the model is one that costs money. Raises `Unavailable`.
        """
        if not self._schemas or not await self._client.is_embedded(self._card.model):
            return False
        self.embedded = True
        body = {
            "model": self._card.model,
            "messages": [{"role": "user", "content": WARM_UP}],
            "tools": [self._utterances.added_to(each) for each in self._schemas],
            "max_tokens": 1,
            "stream": True,
        }
        async with aclosing(
            self._client.chunks(body, Caller.internal(feature="warm-up", agent=self._card.id))
        ) as reads:
            async for _ in reads:
                pass
        return True

    async def run(
        self, prompt: Sequence[PromptMessage], calls: ToolCalls, caller: Caller
    ) -> AsyncGenerator[ModelText | Usage]:
        """The text of the answer as it comes, and the usage of each model call as it ends.

        Raises `Unavailable` or `LimitExceeded` with our own words when the model does not answer, and what
        `calls.stopped` says. It may end without any text: then the model gave none, though it was asked twice.
        """
        thread = ChatHistoryAgentThread(chat_history=ChatHistory(messages=[_content(message) for message in prompt]))
        utterances = self._utterances if self.embedded and calls.model is None else NONE
        settings = ChatSettings(calls.model or self._card.model, caller, utterances)
        arguments = KernelArguments(settings=settings, **{TOOL_CALLS: calls})
        try:
            stream = cast(AsyncGenerator[Any, None], self._agent.invoke_stream(thread=thread, arguments=arguments))
            async with aclosing(stream) as responses:
                async for response in responses:
                    message = response.message
                    if message.content:
                        yield ModelText(message.content, message.function_invoke_attempt or 0)
                    usage = message.metadata.get(USAGE)
                    if isinstance(usage, Usage):
                        yield usage
        except KernelException as error:
            raise Unavailable(MODEL_UNAVAILABLE) from error
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


async def _end_when_stopped(
    context: AutoFunctionInvocationContext, next: Callable[[AutoFunctionInvocationContext], Awaitable[None]]
) -> None:
    await next(context)
    calls = cast(ToolCalls, cast(Any, context).arguments[TOOL_CALLS])
    if calls.stopped is not None:
        context.terminate = True


def _content(message: PromptMessage) -> ChatMessageContent:
    return ChatMessageContent(role=AuthorRole(message.role), content=message.text)
