"""Yes or no to an open offer, in any wording: a decision learned from the words of `replies.jsonl`.

820 replies to offers, written by somebody who saw the offers only; the figures are in docs/adr/0020.
"""

import asyncio
import re
from collections.abc import Sequence
from importlib import resources
from typing import Any, Final, Literal

import numpy as np
import orjson

from switchboard.models.embedded.learned import LearnedDecision, fitted
from switchboard.models.embedder import Embedder, Vectors

Reply = Literal["accept", "decline", "other"]
LABELS: Final[tuple[Reply, ...]] = ("accept", "decline", "other")
ACCEPT_MARGIN, DECLINE_MARGIN = 0.35, 0.35
"""By how much a reply must be rather that than anything else. A deed that nobody wanted is worst."""
BEGUN_ACCEPT_MARGIN, BEGUN_DECLINE_MARGIN = 0.10, -0.20
"""The same, of a reply that begins with a plain yes or no: 'yes, but the other one' is none."""
LATER_MARGIN = 0.60
"""To accept what was not offered with the last words, but before them."""
_CONDITION = re.compile(
    r"\b(?:but|only|instead|unless|except|provided|rather|aber|nur|sondern|wenn|falls|pero|sino|solo|sólo|si)\b"
    r"|\bif\b(?! (?:you|u) (?:please|would|like|could|can|may|will|must|don't mind|wouldn't mind)\b)",
    re.IGNORECASE,
)
"""Accepts something else than was offered, or not yet. 'If you please' is no condition."""
REPLY_CHARACTERS_MAX = 300


class Replies:
    """Decides replies. Fits itself once, with the first one or when `open` is called."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._fitting = asyncio.Lock()
        self._model: LearnedDecision | None = None

    async def open(self) -> LearnedDecision:
        """Embeds the known replies (some 2 s) and fits. Raises what the embedder does."""
        async with self._fitting:
            if self._model is None:
                known = known_replies()
                vectors = await self._embedder.embed([said for said, _ in known])
                self._model = await asyncio.to_thread(_learned, known, vectors)
            return self._model

    async def decide(self, said: str, begins: Reply = "other", *, later: bool = False) -> Reply:
        """`accept` and `decline` only where they are clear.

        `begins` is what the first words are, `later` says that something was said since the offer.
        """
        if len(said) > REPLY_CHARACTERS_MAX:
            return "other"
        model = self._model or await self.open()
        return decision(model.scores([said], await self._embedder.embed([said]))[0], said, begins, later=later)


def decision(scores: Any, said: str, begins: Reply, *, later: bool = False) -> Reply:
    """Of the scores in the order of `LABELS`."""
    accept, decline, other = (float(each) for each in scores)
    accepts = LATER_MARGIN if later else BEGUN_ACCEPT_MARGIN if begins == "accept" else ACCEPT_MARGIN
    declines = BEGUN_DECLINE_MARGIN if begins == "decline" else DECLINE_MARGIN
    if accept - max(decline, other) >= accepts and not is_conditional(said):
        return "accept"
    return "decline" if decline - max(accept, other) >= declines else "other"


def is_conditional(said: str) -> bool:
    """Whether it names a condition or something else."""
    return _CONDITION.search(said) is not None


def known_replies() -> list[tuple[str, Reply]]:
    """What was said, and what it was. A condition ('only if it is free') is no yes."""
    lines = resources.files("switchboard.models.embedded").joinpath("replies.jsonl").read_bytes().splitlines()
    read = [orjson.loads(line) for line in lines]
    return [(each["say"], each["label"] if each["label"] in LABELS else "other") for each in read]


def targets_of(known: Sequence[tuple[str, Reply]]) -> Any:
    """Shape (replies, 3): one where a reply has the label, in the order of `LABELS`."""
    return np.eye(len(LABELS), dtype=np.float32)[[LABELS.index(label) for _, label in known]]


def _learned(known: Sequence[tuple[str, Reply]], vectors: Vectors) -> LearnedDecision:
    return fitted([said for said, _ in known], vectors, targets_of(known))
