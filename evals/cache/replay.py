"""Replays a stream of questions through a cold semantic cache and counts hits and false hits.

A row is a question and its category. The category stands for the answer that a model would give: it is stored with a
miss, and compared with the asked row's only after a hit, to judge it. The decision sees questions and what is cached.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from switchboard.caching.semantic.decision import CachedQuestion, ReuseDecision, Thresholds, decide
from switchboard.caching.semantic.reading import Reading, read
from switchboard.caching.semantic.verifier import Verifier
from switchboard.models.embedder import Vectors

CONFIDENCE_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Row:
    text: str
    category: str


@dataclass(frozen=True, slots=True)
class FalseHit:
    """Indices into the rows."""

    asked: int
    served: int
    score: float


@dataclass(slots=True)
class Outcome:
    """Counts over one stream."""

    rows: int = 0
    hits: int = 0
    entries: int = 0
    false_hits: list[FalseHit] = field(default_factory=list[FalseHit])
    reasons: Counter[str] = field(default_factory=Counter[str])


def replay(
    rows: Sequence[Row],
    vectors: Vectors,
    verifier: Verifier,
    thresholds: Thresholds,
    *,
    use_agreement: bool = True,
    progress: Callable[[int], None] = lambda done: None,
) -> Outcome:
    """`vectors` are unit vectors of the rows' texts. Every miss is stored, no hit is; the stream starts with nothing."""
    outcome = Outcome(rows=len(rows))
    store = np.empty((len(rows), vectors.shape[1]), dtype=np.float32)
    entries: list[tuple[int, Reading]] = []
    for number, row in enumerate(rows):
        asked = read(row.text)
        near = _near(store[: len(entries)], vectors[number], thresholds.cosine)
        candidates = [
            CachedQuestion(index, cosine, entries[index][1], rows[entries[index][0]].category if use_agreement else "")
            for index, cosine in near
        ]
        decision = decide(asked, candidates, verifier, thresholds)
        outcome.reasons[_label(decision)] += 1
        if decision.index is None:
            store[len(entries)] = vectors[number]
            entries.append((number, asked))
        else:
            served = entries[decision.index][0]
            outcome.hits += 1
            if rows[served].category != row.category:
                outcome.false_hits.append(FalseHit(number, served, decision.score))
        progress(number + 1)
    outcome.entries = len(entries)
    return outcome


def interval(part: int, whole: int) -> tuple[float, float]:
    """Wilson's 95 % confidence interval of a share; (0, 1) of nothing."""
    if whole == 0:
        return 0.0, 1.0
    share, z = part / whole, CONFIDENCE_Z
    centre = share + z * z / (2 * whole)
    spread = z * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    scale = 1 + z * z / whole
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def _near(store: Vectors, vector: Vectors, floor: float) -> list[tuple[int, float]]:
    cosines = store @ vector
    found = np.flatnonzero(cosines >= floor)
    return [(int(index), float(cosines[index])) for index in found[np.argsort(-cosines[found], kind="stable")]]


def _label(decision: ReuseDecision) -> str:
    return f"guard:{decision.guard}" if decision.reason == "guard" else decision.reason


def replay_plain(rows: Sequence[Row], vectors: Vectors, cosine_min: float) -> Outcome:
    """The same with the nearest entry's cosine as the only condition: what to compare with."""
    outcome = Outcome(rows=len(rows))
    store = np.empty((len(rows), vectors.shape[1]), dtype=np.float32)
    entries: list[int] = []
    for number, row in enumerate(rows):
        cosines = store[: len(entries)] @ vectors[number]
        best = int(cosines.argmax()) if len(entries) else -1
        if best < 0 or cosines[best] < cosine_min:
            store[len(entries)] = vectors[number]
            entries.append(number)
            continue
        outcome.hits += 1
        if rows[entries[best]].category != row.category:
            outcome.false_hits.append(FalseHit(number, entries[best], float(cosines[best])))
    outcome.entries = len(entries)
    return outcome
