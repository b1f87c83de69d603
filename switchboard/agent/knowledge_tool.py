"""The tool that an agent with `knowledge:` in its card gets from the framework."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from switchboard.agent.clock import Clock
from switchboard.agent.tool import Tool, ToolContext, build_tool
from switchboard.contracts.cards import AgentCard
from switchboard.contracts.tools import Offer, Passage, ToolOutcome
from switchboard.knowledge import KnowledgeBase
from switchboard.knowledge.retrieval.follow_ups import earlier_of
from switchboard.knowledge.retrieval.prompt_budget import within_budget
from switchboard.models.caller import Caller
from switchboard.models.gateway import GatewayEmbedder

TOOL_NAME = "search_knowledge"
CONTEXT_TOKENS_MAX = 1_600
"""What passages may take of a prompt."""
EXAMPLES_MAX = 40

OfferHook = Callable[[ToolContext, str], Any]
"""`(ctx, query) -> Offer | None`, also async."""


class KnowledgeTools:
    """Holds `search_knowledge` of one agent. `offer` may add what to propose after an answer from the articles, and
    `offer_unanswered` what to propose where they hold none."""

    def __init__(
        self,
        agent_id: str,
        base: KnowledgeBase,
        embedder: GatewayEmbedder,
        clock: Clock,
        offer: OfferHook | None = None,
        offer_unanswered: OfferHook | None = None,
    ) -> None:
        self._agent_id = agent_id
        self._base = base
        self._embedder = embedder
        self._clock = clock
        self._offer = offer
        self._offer_unanswered = offer_unanswered

    async def search_knowledge(
        self,
        ctx: ToolContext,
        query: Annotated[
            str,
            Field(
                min_length=1,
                max_length=2_000,
                description="What to look for: the user's question, complete in itself",
                json_schema_extra={"x-ask": "What would you like to know?"},
            ),
        ],
    ) -> ToolOutcome:
        """Search the help articles for instructions, explanations, rules and facts. Returns passages to cite as [n]."""
        earlier = earlier_of(query, [each.text for each in reversed(ctx.history) if each.role == "user"])
        found = await self._search(ctx, query, earlier)
        if not found and earlier:  # it was complete in itself after all
            found = await self._search(ctx, query, ())
        passages = within_budget(found, tokens_max=CONTEXT_TOKENS_MAX)
        return ToolOutcome(
            passages=passages,
            offer=await _offered(self._offer, ctx, query) if passages else None,
            offer_unanswered=await _offered(self._offer_unanswered, ctx, query),
        )

    async def _search(self, ctx: ToolContext, query: str, earlier: Sequence[str]) -> list[Passage]:
        caller = Caller.of_turn(
            ctx.principal,
            feature="knowledge",
            agent=self._agent_id,
            conversation=ctx.conversation_id,
            turn=ctx.turn_id,
            lane=ctx.lane,
        )
        return await self._base.search(
            query,
            tenant=ctx.principal.tenant,
            earlier=earlier,
            on=self._clock().date(),
            embedder=self._embedder.for_caller(caller),
        )


async def _offered(hook: OfferHook | None, ctx: ToolContext, query: str) -> Offer | None:
    offered: Any = hook(ctx, query) if hook is not None else None
    return await offered if inspect.isawaitable(offered) else offered


def knowledge_tool(
    card: AgentCard, base: KnowledgeBase, embedder: GatewayEmbedder, clock: Clock, holder: object
) -> Tool:
    """`search_knowledge`, its description completed with what the articles are about.

    A holder of tools may have a method `knowledge_offer(ctx, query) -> Offer | None`, called when passages were found,
    and `unanswered_offer(ctx, query) -> Offer | None`, what to propose where they do not answer the question.
    """
    offer, unanswered = getattr(holder, "knowledge_offer", None), getattr(holder, "unanswered_offer", None)
    built = build_tool(KnowledgeTools(card.id, base, embedder, clock, offer, unanswered).search_knowledge)
    titles = "; ".join(f'"{title.replace(chr(34), chr(39))}"' for title in base.titles[:EXAMPLES_MAX])
    description = f"{built.description}\n\nExamples: {titles}" if titles else built.description
    return replace(built, description=description)
