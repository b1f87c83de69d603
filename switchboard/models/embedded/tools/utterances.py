"""How near a message is to what people say when they want a tool, and to what only sounds like it.

Nearness says whether a tool is meant at all; which of several is told by a kernel ridge regression over all of their
utterances, for the nearest ones of two tools often differ by a word.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from switchboard.models.embedded.learned import LearnedDecision, fitted
from switchboard.models.embedded.tools.profile import ToolProfile
from switchboard.models.embedder import Embedder, Vectors

NEAREST = 3
"""One utterance may be near by accident; three are not."""
NAMELESS_COST = 0.04
"""Without its names a message is near to more than it means."""
TOOLS_KEPT_MAX = 512
CHOICES_KEPT_MAX = 64


class UtteranceFits:
    """Scores tools by their utterances, whose vectors are kept a tool: an agent declares the same ones with every request."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._kept: OrderedDict[tuple[str, ...], Vectors] = OrderedDict()
        self._choices: OrderedDict[tuple[tuple[str, ...], ...], LearnedDecision] = OrderedDict()

    async def choice(self, text: str, tools: Sequence[ToolProfile]) -> tuple[list[float], float]:
        """Of each tool, how surely it and none of the others is meant; and how surely none is, by their near misses.

        All alike where one of them has no utterances; −1 where there are no near misses.
        """
        if len(tools) < 2 or not all(tool.utterances for tool in tools):
            return [0.0] * len(tools), -1.0
        key = (*(tool.said for tool in tools), tuple(each for tool in tools for each in tool.near_misses))
        choice = self._choices.get(key)
        if choice is None:
            vectors = [await self._vectors(said) for said in key if said]
            choice = await asyncio.to_thread(_fitted, key, vectors)
            self._choices[key] = choice
            while len(self._choices) > CHOICES_KEPT_MAX:
                self._choices.popitem(last=False)
        *wanted, none = choice.scores([text], await self._embedder.embed([text]))[0].tolist()
        return wanted, none if key[-1] else -1.0

    async def fits(self, text: str, nameless: str, tools: Sequence[ToolProfile]) -> list[tuple[float, float]]:
        """Of each tool: the mean cosine to its nearest utterances, and to its nearest near misses; 0 where it has none.

        `nameless` is the text with its names left out.
        """
        vectors = await self._embedder.embed([text, nameless])
        return [(await self._fit(vectors, tool.said), await self._fit(vectors, tool.near_misses)) for tool in tools]

    async def _fit(self, said: Vectors, utterances: tuple[str, ...]) -> float:
        if not utterances:
            return 0.0
        cosines = (await self._vectors(utterances)) @ said.T
        near = np.maximum(cosines[:, 0], cosines[:, 1] - NAMELESS_COST)
        return float(np.sort(near)[-NEAREST:].mean())

    async def _vectors(self, utterances: tuple[str, ...]) -> Vectors:
        matrix = self._kept.get(utterances)
        if matrix is None:
            matrix = await self._embedder.embed(utterances)
            self._kept[utterances] = matrix
            while len(self._kept) > TOOLS_KEPT_MAX:
                self._kept.popitem(last=False)
        return matrix


def _fitted(said: Sequence[tuple[str, ...]], vectors: Sequence[Vectors]) -> LearnedDecision:
    texts = [text for utterances in said for text in utterances]
    targets = np.repeat(np.eye(len(said), dtype=np.float32), [len(utterances) for utterances in said], axis=0)
    return fitted(texts, np.concatenate(vectors), targets)
