"""Yes or no to an open offer, in any wording: kernel ridge regression over the embedding and the words of a reply.

Fitted in this process from `replies.jsonl` (820 replies to offers, written by somebody who saw the offers only). The
kernel is that of `switchboard.routing.kernel_ridge`; the leave-one-out figures are in docs/adr/0020.
"""

import asyncio
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, Literal

import numpy as np
import orjson

from switchboard.models.embedder import Embedder, Vectors
from switchboard.text.words import words

Reply = Literal["accept", "decline", "other"]
LABELS: Final[tuple[Reply, ...]] = ("accept", "decline", "other")
SHARPNESS, RIDGE = 4.0, 0.3
BUCKETS = 2_048
ACCEPT_MARGIN, DECLINE_MARGIN = 0.40, 0.15
"""By how much a reply must be rather that than anything else. A deed that nobody wanted is worst."""
REPLY_CHARACTERS_MAX = 300


@dataclass(frozen=True, slots=True)
class ReplyModel:
    """Fitted weights of the known replies."""

    vectors: Vectors
    rows: Vectors
    weights: Any
    """Shape (replies, 3)."""

    def scores(self, vector: Vectors, row: Vectors) -> Any:
        """Shape (3,), in the order of `LABELS`: about 1 for what it is, about 0 for the others."""
        kernel = np.exp(SHARPNESS * (self.vectors @ vector - 1)) + self.rows @ row
        return kernel @ self.weights


class Replies:
    """Decides replies. Fits itself once, with the first one or when `open` is called."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._fitting = asyncio.Lock()
        self._model: ReplyModel | None = None

    async def open(self) -> ReplyModel:
        """Embeds the known replies (some 2 s) and fits. Raises what the embedder does."""
        async with self._fitting:
            if self._model is None:
                known = known_replies()
                vectors = await self._embedder.embed([said for said, _ in known])
                self._model = await asyncio.to_thread(fitted, known, vectors)
            return self._model

    async def decide(self, said: str) -> Reply:
        """`accept` and `decline` only where they are clear."""
        if len(said) > REPLY_CHARACTERS_MAX:
            return "other"
        model = self._model or await self.open()
        vector = (await self._embedder.embed([said]))[0]
        return decision(model.scores(vector, row_of(said)))


def decision(scores: Any) -> Reply:
    accept, decline, other = (float(each) for each in scores)
    if accept - max(decline, other) >= ACCEPT_MARGIN:
        return "accept"
    return "decline" if decline - max(accept, other) >= DECLINE_MARGIN else "other"


def known_replies() -> list[tuple[str, Reply]]:
    """What was said, and what it was. A condition ('only if it is free') is no yes."""
    lines = resources.files("switchboard.models.embedded").joinpath("replies.jsonl").read_bytes().splitlines()
    read = [orjson.loads(line) for line in lines]
    return [(each["say"], each["label"] if each["label"] in LABELS else "other") for each in read]


def fitted(known: Sequence[tuple[str, Reply]], vectors: Vectors) -> ReplyModel:
    """The regression of the known replies."""
    rows = np.array([row_of(said) for said, _ in known])
    targets = np.eye(len(LABELS), dtype=np.float32)[[LABELS.index(label) for _, label in known]]
    kernel = np.exp(SHARPNESS * (vectors @ vectors.T - 1)) + rows @ rows.T
    kernel[np.diag_indices_from(kernel)] += RIDGE
    return ReplyModel(vectors, rows, np.linalg.solve(kernel, targets))


def row_of(said: str) -> Vectors:
    """Hashed words and word pairs, of length 1, shape (BUCKETS,)."""
    spoken = words(said)
    features = [*spoken, *(f"{left} {right}" for left, right in zip(["^", *spoken], spoken, strict=False))]
    row = np.zeros(BUCKETS, dtype=np.float32)
    for feature in [*features, *(["?"] if "?" in said else [])]:
        row[zlib.crc32(feature.encode()) % BUCKETS] = 1
    return row / max(1.0, float(np.linalg.norm(row)))
