"""How well a passage answers a question: meaning, late interaction of their tokens, and shared words.

Late interaction as in ColBERT (Khattab & Zaharia, SIGIR 2020), over the token vectors of the embedding model: each
token of the question counts with its likeness to the nearest one of the passage.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from switchboard.models.embedded.answering.units import NumberedPassage
from switchboard.models.embedded.phrasing import IGNORED_WORDS, content_stems
from switchboard.models.embedder import Embedder
from switchboard.models.minilm import TOKEN_SCALE, TokenVectors
from switchboard.text.words import stems

STOP_WORD_WEIGHT = 0.05
WORDS_WEIGHT = 0.15
PASSAGE_CHARACTERS_MAX = 1_500
LOGISTIC = (-4.59, 0.9, 6.0, -0.99, 7.35)
"""Constant, and weights of nearness, likeness, overlap and margin: fitted by `evals/answering/train.py`."""
MARGIN_MAX, MARGIN_FROM, MARGIN_FULL = 0.3, 0.3, 0.6
"""A lead over the next passage says much where this one is near, and nothing where both are far."""


class TokenEmbedder(Embedder, Protocol):
    """An embedder that gives the vectors of a text's tokens, too."""

    async def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]: ...


@dataclass(frozen=True, slots=True)
class PassageFit:
    """One passage against one question."""

    source: NumberedPassage
    nearness: float
    """By meaning: the search's own score, or the cosine to its text."""
    likeness: float
    """By late interaction, about 0.3 to 0.9."""
    overlap: float
    """Share of the question's words that it has."""
    margin: float = 0.0
    """How much better it is than the next one."""

    @property
    def total(self) -> float:
        return self.nearness + self.likeness + WORDS_WEIGHT * self.overlap

    @property
    def features(self) -> tuple[float, float, float, float]:
        near = min(1.0, max(0.0, (self.nearness - MARGIN_FROM) / (MARGIN_FULL - MARGIN_FROM)))
        return self.nearness, self.likeness, self.overlap, near * min(self.margin, MARGIN_MAX)

    @property
    def probability(self) -> float:
        """That it answers the question."""
        constant, *weights = LOGISTIC
        return 1 / (1 + math.exp(-constant - sum(w * x for w, x in zip(weights, self.features, strict=True))))


class PassageRanker:
    """Ranks what a search found. The token vectors of passages are kept by the embedder."""

    def __init__(self, embedder: TokenEmbedder) -> None:
        self._embedder = embedder

    async def likeness(self, question: str, text: str) -> float:
        """By late interaction, about 0.2 to 0.9."""
        asked, held = await self._embedder.token_vectors([question, text])
        return _likeness(asked, _weights(asked), held)

    async def ranked(self, question: str, sources: Sequence[NumberedPassage]) -> list[PassageFit]:
        """Best first; the first one has a margin."""
        if not sources:
            return []
        texts = [f"{source.title.rsplit(' › ', 1)[-1]} {source.text}"[:PASSAGE_CHARACTERS_MAX] for source in sources]
        asked, *held = await self._embedder.token_vectors([question, *texts])
        unscored = [text for source, text in zip(sources, texts, strict=True) if source.score is None]
        cosines: dict[str, float] = {}
        if unscored:
            vectors = await self._embedder.embed([question, *unscored])
            cosines = dict(zip(unscored, (vectors[1:] @ vectors[0]).tolist(), strict=True))
        weights = _weights(asked)
        meant = set(content_stems(question))
        fits = [
            PassageFit(
                source,
                source.score if source.score is not None else cosines[text],
                _likeness(asked, weights, tokens),
                len(meant & set(stems(f"{source.title} {source.text}"))) / max(1, len(meant)),
            )
            for source, text, tokens in zip(sources, texts, held, strict=True)
        ]
        fits.sort(key=lambda fit: -fit.total)
        best = fits[0]
        margin = best.total - fits[1].total if len(fits) > 1 else 0.0
        return [PassageFit(best.source, best.nearness, best.likeness, best.overlap, margin), *fits[1:]]


def _weights(asked: TokenVectors) -> "np.ndarray":
    weights = [
        STOP_WORD_WEIGHT if token.strip("#") in IGNORED_WORDS or not token.strip("#").isalnum() else 1.0
        for token in asked.tokens
    ]
    return np.array(weights, dtype=np.float32)


def _likeness(asked: TokenVectors, weights: "np.ndarray", held: TokenVectors) -> float:
    if not len(asked.tokens) or not len(held.tokens):
        return 0.0
    products = asked.vectors.astype(np.float32) @ held.vectors.astype(np.float32).T
    nearest = products.max(axis=1) / (TOKEN_SCALE * TOKEN_SCALE)
    return float(weights @ nearest / weights.sum())
