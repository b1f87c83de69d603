"""Whether a cached answer may serve a question. Pure: no store, no clock, no embedding."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from switchboard.caching.semantic.guards import refusal
from switchboard.caching.semantic.reading import Reading
from switchboard.caching.semantic.verifier import Verifier

Reason = Literal["hit", "empty", "cosine", "guard", "score", "agreement"]
"""Why: `empty` nothing near is cached, `cosine` nothing near enough, `guard` one refused, `score` the verifier is not
sure enough, `agreement` the cached answers around the question differ."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Of one partition. `score` is what operators set (0.88 when no model answers). evals/cache says what the others cost."""

    score: float = 0.90
    cosine: float = 0.80
    """Below it, nothing is looked at, whatever the words."""
    agreement: float = 0.80
    """Entries at least this near, which no guard refuses, must hold the same answer."""
    candidates_max: int = 8
    """That the verifier scores."""
    neighbours_max: int = 64
    """That are looked at: the nearest."""


@dataclass(frozen=True, slots=True)
class CachedQuestion:
    """A cached question: its place in the store, how near it is, what it reads, whose answer it holds."""

    index: int
    cosine: float
    reading: Reading
    answer: str
    """The same for entries whose answers say the same."""


@dataclass(frozen=True, slots=True)
class ReuseDecision:
    """`index` is the candidate's that serves; None without a hit. `score` is the best there was."""

    reason: Reason
    index: int | None = None
    score: float = 0.0
    guard: str = ""
    """The first guard that refused the nearest candidate."""

    @property
    def hit(self) -> bool:
        return self.index is not None


def decide(
    asked: Reading, candidates: Sequence[CachedQuestion], verifier: Verifier, thresholds: Thresholds = Thresholds()
) -> ReuseDecision:
    """`candidates` in falling order of cosine; those below `thresholds.cosine` count for nothing."""
    if not candidates:
        return ReuseDecision("empty")
    near = [candidate for candidate in candidates if candidate.cosine >= thresholds.cosine]
    if not near:
        return ReuseDecision("cosine", score=candidates[0].cosine)
    refused = [refusal(asked, candidate.reading) for candidate in near[: thresholds.neighbours_max]]
    guard = refused[0] or ""
    # What a guard refuses is known to be another question; what is left might be the same one.
    left = [candidate for candidate, reason in zip(near, refused, strict=False) if reason is None]
    if not left:
        return ReuseDecision("guard", score=near[0].cosine, guard=guard)
    scores = [
        verifier.score(candidate.cosine, asked, candidate.reading) for candidate in left[: thresholds.candidates_max]
    ]
    score = max(scores)
    best = left[scores.index(score)]
    if score < thresholds.score:
        return ReuseDecision("score", score=score, guard=guard)
    if any(other.cosine >= thresholds.agreement and other.answer != best.answer for other in left):
        return ReuseDecision("agreement", score=score, guard=guard)
    return ReuseDecision("hit", best.index, score, guard)
