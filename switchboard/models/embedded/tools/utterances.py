"""How near a message is to what people say when they want a tool, and to what only sounds like it.

Nearness says whether a tool is meant at all; which of several is told by a kernel ridge regression over all of their
utterances, for the nearest ones of two tools often differ by a word.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from switchboard.models.embedded.phrasing import content_stems
from switchboard.models.embedded.replies import RIDGE, SHARPNESS, row_of
from switchboard.models.embedded.tools.profile import ToolProfile
from switchboard.models.embedder import Embedder, Vectors
from switchboard.text.stems import stem

NEAREST = 3
"""One utterance may be near by accident; three are not."""
NAMELESS_COST = 0.04
"""Without its names a message is near to more than it means."""
TOOLS_KEPT_MAX = 512
CHOICES_KEPT_MAX = 64
SAID_MIN, MISSED_MIN, ODDS_MIN = 3, 2, 1.5
"""So many utterances and near misses have a word of the deed, and so many times more of its utterances than of others."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A fitted regression of U utterances on the T tools that they want."""

    vectors: Vectors
    """Shape (U, 384)."""
    weights: Any
    """Shape (U, T)."""
    lexical: Any
    """Shape (buckets, T): weights of words and word pairs, summed over the utterances."""

    def scores(self, vector: Vectors, row: Vectors) -> list[float]:
        """Of each tool: about 1 for the one that is meant, about 0 for the others."""
        scores = np.exp(SHARPNESS * (self.vectors @ vector - 1)) @ self.weights + row @ self.lexical
        return [float(score) for score in scores]


class UtteranceFits:
    """Scores tools by their utterances, whose vectors are kept a tool: an agent declares the same ones with every request."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._kept: OrderedDict[tuple[str, ...], Vectors] = OrderedDict()
        self._choices: OrderedDict[tuple[tuple[str, ...], ...], Choice] = OrderedDict()

    async def choice(self, text: str, tools: Sequence[ToolProfile]) -> list[float]:
        """Of each tool, how surely it and none of the others is meant; all alike where one of them has no utterances."""
        if len(tools) < 2 or not all(tool.utterances for tool in tools):
            return [0.0] * len(tools)
        key = tuple(tool.said for tool in tools)
        choice = self._choices.get(key)
        if choice is None:
            vectors = [await self._vectors(said) for said in key]
            choice = await asyncio.to_thread(_fitted, key, vectors)
            self._choices[key] = choice
            while len(self._choices) > CHOICES_KEPT_MAX:
                self._choices.popitem(last=False)
        return choice.scores((await self._embedder.embed([text]))[0], row_of(text))

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


def _fitted(said: Sequence[tuple[str, ...]], vectors: Sequence[Vectors]) -> Choice:
    matrix = np.concatenate(vectors)
    rows = np.array([row_of(text) for utterances in said for text in utterances])
    targets = np.repeat(np.eye(len(said), dtype=np.float32), [len(utterances) for utterances in said], axis=0)
    kernel = np.exp(SHARPNESS * (matrix @ matrix.T - 1)) + rows @ rows.T
    kernel[np.diag_indices_from(kernel)] += RIDGE
    weights = np.linalg.solve(kernel, targets).astype(np.float32)
    return Choice(matrix, weights, rows.T @ weights)


@lru_cache(maxsize=TOOLS_KEPT_MAX)
def deed_stems(
    wanted: tuple[str, ...], near_misses: tuple[str, ...], reading: tuple[str, ...], name: str
) -> frozenset[str]:
    """Stems with which people speak of a deed, whether they ask for it or not: those of its name, and those of its
    utterances that its near misses have too and utterances of `reading` tools seldom. 'Red' tells of the fault only."""
    mine, missed, theirs = _shares(wanted), _shares(near_misses), _shares(reading)
    said = {
        each
        for each, share in mine.items()
        if share * len(wanted) >= SAID_MIN
        and missed.get(each, 0.0) * len(near_misses) >= MISSED_MIN
        and share >= ODDS_MIN * theirs.get(each, 0.0)
    }
    return frozenset({stem(word) for word in name.split("_")} | said)


def _shares(texts: Sequence[str]) -> dict[str, float]:
    counts = Counter(each for text in texts for each in set(content_stems(text)))
    return {each: count / len(texts) for each, count in counts.items()}
