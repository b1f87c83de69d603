"""The model loop: Semantic Kernel's chat agent with our tools as kernel functions, against the gateway.

Importing this module takes half a second (Semantic Kernel); `bootstrap.py` does it once, in a thread, at start.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Any, Final, cast

from semantic_kernel import Kernel
from semantic_kernel.agents import ChatCompletionAgent, ChatHistoryAgentThread
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.function_choice_type import FunctionChoiceType
from semantic_kernel.contents import AuthorRole, ChatHistory, ChatMessageContent
from semantic_kernel.exceptions.kernel_exceptions import KernelException
from semantic_kernel.filters import AutoFunctionInvocationContext, FilterTypes, FunctionInvocationContext
from semantic_kernel.functions import FunctionResult, KernelArguments, KernelFunction, KernelPlugin
from semantic_kernel.functions.kernel_function_metadata import KernelFunctionMetadata
from semantic_kernel.functions.kernel_parameter_metadata import KernelParameterMetadata

from switchboard.agent.answer import ModelText
from switchboard.agent.chat_service import DECLINED, USAGE, ChatSettings, GatewayChatService
from switchboard.agent.prompt import PromptMessage, for_language_model
from switchboard.agent.tool import Tool
from switchboard.agent.tool_calls import ToolCalls
from switchboard.agent.tool_rendering import EmbeddedRendering, LanguageRendering, ToolRendering
from switchboard.agent.utterances import NONE, Utterances
from switchboard.contracts.cards import AgentCard
from switchboard.contracts.errors import Unavailable
from switchboard.contracts.events import Usage
from switchboard.models.caller import Caller
from switchboard.models.gateway import MODEL_UNAVAILABLE, GatewayClient

WARM_UP: Final = "Please show me Example 1."
"""Anything with a name in it, so that the model also reads the tools' examples without their names."""
NO_ANSWER: Final = "I'm sorry, I have no answer to that at the moment. Please ask me again in other words."
REFUSED: Final = "I'm sorry, I can't help with that. Is there anything else that I can do for you?"
FACTS_MAX: Final = 12
"""Told in place of an answer that did not come."""
TOOL_CALLS: Final = "$tool_calls"
RENDERING: Final = "$rendering"
"""Where the kernel's arguments carry the turn's `ToolCalls` and its model's rendering to the functions. No tool's argument
can have these names."""


class ToolFunction(KernelFunction):
    """A tool as Semantic Kernel sees it: run by the turn's `ToolCalls`. Shared by all turns."""

    def __init__(self, tool: Tool) -> None:
        parameters = [
            KernelParameterMetadata(name=name, schema_data=schema, is_required=name in tool.required)
            for name, schema in tool.properties.items()
        ]
        metadata = KernelFunctionMetadata(
            name=tool.name,
            description=tool.brief,
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
        rendering: ToolRendering = values.pop(RENDERING)
        return FunctionResult(function=self.metadata, value=await calls.run(self.name, values, rendering.told))

    async def _invoke_internal(self, context: FunctionInvocationContext) -> None:
        context.result = await self.invoke(context.kernel, context.arguments)

    async def _invoke_internal_stream(self, context: FunctionInvocationContext) -> None:
        await self._invoke_internal(context)


class ModelLoop:
    """An agent's kernel, built once: chat service, functions, limits. Shared by concurrent turns."""

    def __init__(
        self, card: AgentCard, tools: Iterable[Tool], client: GatewayClient, utterances: Utterances = NONE
    ) -> None:
        self._client = client
        self._embedded: dict[str, bool] = {}
        """By alias, what was known last."""
        self._card = card
        tools = list(tools)
        self._for_embedded = _Told(EmbeddedRendering(utterances), card, tools)
        self._for_language = _Told(LanguageRendering(), card, tools)
        kernel = Kernel()
        functions = [ToolFunction(tool) for tool in tools]
        behavior = None
        if functions:
            kernel.plugins["tools"] = _plugin(functions)
            # Cast: the kernel declares its filters by a type without parameters.
            cast(Any, kernel).add_filter(FilterTypes.AUTO_FUNCTION_INVOCATION, _end_when_stopped)
            # Each round makes at least one call, and after the last allowed one the model still has to answer.
            behavior = FunctionChoiceBehavior(
                type_=FunctionChoiceType.AUTO, maximum_auto_invoke_attempts=card.limits.tool_calls + 2
            )
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
        if not self._for_embedded.declared or not await self.is_embedded(self._card.model):
            return False
        body = {
            "model": self._card.model,
            "messages": [{"role": "user", "content": WARM_UP}],
            "tools": self._for_embedded.declared,
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
        self, prompt: Sequence[PromptMessage], calls: ToolCalls, caller: Caller, *, embedded: bool
    ) -> AsyncGenerator[ModelText | Usage]:
        """The text of the answer as it comes, and the usage of each model call as it ends. `embedded` is what
        `is_embedded` says of the turn's model: it decides what the model is told.

        Raises what `GatewayClient.chunks` raises when the model does not answer, and what `calls.stopped` says. A model
        that says nothing, though it was asked twice, is owned up to in a sentence.
        """
        model = calls.model or self._card.model
        told = self._for_embedded if embedded else self._for_language
        messages = [_content(each) for each in (prompt if embedded else for_language_model(prompt))]
        thread = ChatHistoryAgentThread(chat_history=ChatHistory(messages=messages))
        settings = ChatSettings(model, caller, told.declared)
        arguments = KernelArguments(settings=settings, **{TOOL_CALLS: calls, RENDERING: told.rendering})
        said = declined = False
        try:
            stream = cast(AsyncGenerator[Any, None], self._agent.invoke_stream(thread=thread, arguments=arguments))
            async with aclosing(stream) as responses:
                async for response in responses:
                    message = response.message
                    declined = declined or DECLINED in message.metadata
                    if message.content:
                        said = True
                        yield ModelText(message.content, message.function_invoke_attempt or 0)
                    usage = message.metadata.get(USAGE)
                    if isinstance(usage, Usage):
                        yield usage
        except KernelException as error:
            raise Unavailable(MODEL_UNAVAILABLE) from error
        if calls.stopped is not None:
            raise calls.stopped
        if not said:
            yield ModelText(REFUSED if declined else " ".join(calls.facts[:FACTS_MAX]) or NO_ANSWER, 0)

    async def is_embedded(self, model: str | None = None) -> bool:
        """Whether the gateway's own model answers for `model` (None: the card's), which says only what it was told.

        By the gateway's list of models, kept for a minute: an operator may put another model behind an alias.
        """
        alias = model or self._card.model
        try:
            self._embedded[alias] = await self._client.is_embedded(alias)
        except Unavailable:
            return self._embedded.get(alias, False)  # what is really wrong the call itself will say
        return self._embedded[alias]


class _Told:
    """What one kind of model is told of an agent's tools; made once."""

    def __init__(self, rendering: ToolRendering, card: AgentCard, tools: Iterable[Tool]) -> None:
        self.rendering = rendering
        self.declared = [rendering.declared(tool, changes_data=_changes_data(card, tool)) for tool in tools]


def _changes_data(card: AgentCard, tool: Tool) -> bool:
    policy = card.tools.get(tool.name)
    return policy is not None and policy.risk != "read"


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
