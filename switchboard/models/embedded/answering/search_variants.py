"""What a conversation says of what was looked up: the search that answers better, and passages that were told already."""

from collections.abc import Sequence
from dataclasses import replace

from switchboard.models.embedded.answering.composer import ToolResult
from switchboard.models.embedded.answering.passage_fit import PassageRanker, TokenEmbedder
from switchboard.models.embedded.answering.units import NumberedPassage
from switchboard.text.sentences import sentences

ALONE_MIN = 0.20
"""By so much more must the question alone be answered: most of what follows an answer goes on with it."""
TOLD_SHARE = 0.60
"""A passage that was just told gives way to one that is so nearly as probable."""


class SearchVariants:
    """Reads what was found; asks nothing."""

    def __init__(self, embedder: TokenEmbedder) -> None:
        self._ranker = PassageRanker(embedder)

    async def nearer(self, results: Sequence[ToolResult], told: str) -> list[ToolResult]:
        """The results without the worse of two searches of which one's query ends with the other's, and without passages that
        `told`, the last answer, holds, where others may answer."""
        fresh = [await self._without_told(each, told) for each in results]
        dropped: set[int] = set()
        in_context: set[int] = set()
        for alone, one in enumerate(fresh):
            for together, other in enumerate(fresh):
                if not one.query or one.tool != other.tool or not other.query.endswith(f". {one.query}"):
                    continue
                better = await self._probability(one) >= await self._probability(other) + ALONE_MIN
                dropped.add(together if better else alone)
                in_context.add(together)
        return [
            replace(each, in_context=index in in_context) for index, each in enumerate(fresh) if index not in dropped
        ]

    async def _probability(self, result: ToolResult) -> float:
        ranked = await self._ranker.ranked(result.query, result.sources)
        return ranked[0].probability if ranked else 0.0

    async def _without_told(self, result: ToolResult, told: str) -> ToolResult:
        known = [source for source in result.sources if _is_told(source, told)]
        others = tuple(source for source in result.sources if source not in known)
        if not known or not others:
            return result
        fresh = replace(result, sources=others)
        enough = await self._probability(fresh) >= TOLD_SHARE * await self._probability(result)
        return fresh if enough else result


def _is_told(source: NumberedPassage, told: str) -> bool:
    first = next(iter(sentences(source.text)), "")
    return bool(first) and first in told
