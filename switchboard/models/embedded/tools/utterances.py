"""How near a message is to what people say when they want a tool, and to what only sounds like it."""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from switchboard.models.embedded.tools.profile import ToolProfile
from switchboard.models.embedder import Embedder, Vectors

NEAREST = 3
"""One utterance may be near by accident; three are not."""
NAMELESS_COST = 0.04
"""Without its names a message is near to more than it means."""
TOOLS_KEPT_MAX = 512


class UtteranceFits:
    """Scores tools by their utterances, whose vectors are kept a tool: an agent declares the same ones with every request."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._kept: OrderedDict[tuple[str, ...], Vectors] = OrderedDict()

    async def fits(self, text: str, nameless: str, tools: Sequence[ToolProfile]) -> list[tuple[float, float]]:
        """Of each tool: the mean cosine to its nearest utterances, and to its nearest near misses; 0 where it has none.

        `nameless` is the text with its names left out.
        """
        vectors = await self._embedder.embed([text, nameless])
        return [(await self._fit(vectors, tool.said), await self._fit(vectors, tool.near_misses)) for tool in tools]

    async def _fit(self, said: Vectors, utterances: tuple[str, ...]) -> float:
        if not utterances:
            return 0.0
        matrix = self._kept.get(utterances)
        if matrix is None:
            matrix = await self._embedder.embed(utterances)
            self._kept[utterances] = matrix
            while len(self._kept) > TOOLS_KEPT_MAX:
                self._kept.popitem(last=False)
        cosines = matrix @ said.T
        near = np.maximum(cosines[:, 0], cosines[:, 1] - NAMELESS_COST)
        return float(np.sort(near)[-NEAREST:].mean())
