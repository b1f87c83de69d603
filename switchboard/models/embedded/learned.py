"""A decision learned from labelled texts: kernel ridge regression over their embeddings and their words.

The kernel of two texts is `exp(4(cos − 1))` of their embeddings plus the inner product of their hashed words and word
pairs, as in `switchboard.routing.kernel_ridge`; some hundred texts are fitted in milliseconds.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from switchboard.models.embedder import Vectors
from switchboard.text.words import words

SHARPNESS, RIDGE = 4.0, 0.3
BUCKETS = 2_048


@dataclass(frozen=True, slots=True)
class LearnedDecision:
    """Fitted weights. A score is about 1 for what a text is, and about 0 for what it is not."""

    vectors: Vectors
    weights: Any
    """Shape (texts, labels)."""
    word_weights: Any
    """Shape (BUCKETS, labels)."""

    def scores(self, said: Sequence[str], vectors: Vectors) -> Any:
        """Shape (said, labels). `vectors` are the embeddings of `said`."""
        likeness = np.exp(SHARPNESS * (vectors @ self.vectors.T - 1))
        return likeness @ self.weights + np.array([row_of(each) for each in said]) @ self.word_weights


def fitted(texts: Sequence[str], vectors: Vectors, targets: Any) -> LearnedDecision:
    """The regression of `targets`, shape (texts, labels)."""
    rows = np.array([row_of(text) for text in texts])
    weights = _inverse(_kernel(vectors, rows)) @ targets
    return LearnedDecision(vectors, weights, rows.T @ weights)


def left_out(texts: Sequence[str], vectors: Vectors, targets: Any, groups: Sequence[str]) -> Any:
    """The scores of each text, shape (texts, labels), fitted without all texts of its group."""
    inverse = _inverse(_kernel(vectors, np.array([row_of(text) for text in texts])))
    weights = inverse @ targets
    scores = targets * 0.0
    for group in dict.fromkeys(groups):
        held = [index for index, each in enumerate(groups) if each == group]
        # What a fit without the group says differs from its labels by this, which the fit with it gives.
        scores[held] = targets[held] - _inverse(inverse[held][:, held]) @ weights[held]
    return scores


def _kernel(vectors: Vectors, rows: Vectors) -> Any:
    alike = np.exp(SHARPNESS * (vectors @ vectors.T - 1)) + rows @ rows.T
    return alike + (RIDGE * np.eye(len(vectors))).astype(np.float32)


def _inverse(matrix: Any) -> Any:
    return cast(Any, np.linalg.inv(matrix))


def row_of(said: str) -> Vectors:
    """Hashed words and word pairs, of length 1, shape (BUCKETS,)."""
    spoken = words(said)
    features = [*spoken, *(f"{left} {right}" for left, right in zip(["^", *spoken], spoken, strict=False))]
    row = np.zeros(BUCKETS, dtype=np.float32)
    for feature in [*features, *(["?"] if "?" in said else [])]:
        row[zlib.crc32(feature.encode()) % BUCKETS] = 1
    return row / max(1.0, float(np.linalg.norm(row)))
