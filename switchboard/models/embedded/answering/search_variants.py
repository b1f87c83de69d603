"""A question that was looked up twice, alone and with what was said before it: the search that answers it better."""

from collections.abc import Sequence
from dataclasses import replace

from switchboard.models.embedded.answering.composer import ToolResult
from switchboard.models.embedded.answering.passage_fit import PassageRanker, TokenEmbedder

ALONE_MIN = 0.20
"""By so much more must the question alone be answered: most of what follows an answer goes on with it."""


class SearchVariants:
    """Reads what was found; asks nothing."""

    def __init__(self, embedder: TokenEmbedder) -> None:
        self._ranker = PassageRanker(embedder)

    async def nearer(self, results: Sequence[ToolResult]) -> list[ToolResult]:
        """The results without the worse of two searches of which one's query ends with the other's."""
        dropped: set[int] = set()
        in_context: set[int] = set()
        for alone, one in enumerate(results):
            for together, other in enumerate(results):
                if not one.query or one.tool != other.tool or not other.query.endswith(f". {one.query}"):
                    continue
                better = await self._probability(one) >= await self._probability(other) + ALONE_MIN
                dropped.add(together if better else alone)
                in_context.add(together)
        return [
            replace(each, in_context=index in in_context) for index, each in enumerate(results) if index not in dropped
        ]

    async def _probability(self, result: ToolResult) -> float:
        ranked = await self._ranker.ranked(result.query, result.sources)
        return ranked[0].probability if ranked else 0.0
