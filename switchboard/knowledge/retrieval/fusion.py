"""Reciprocal rank fusion (Cormack, Clarke, Büttcher, SIGIR 2009)."""

from collections.abc import Sequence

FUSION_K = 60


def fused(*rankings: Sequence[str]) -> list[str]:
    """Keys of all rankings, best first; one that several rank well is before one that a single ranking puts first."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, key in enumerate(ranking, start=1):
            scores[key] = scores.get(key, 0.0) + 1.0 / (FUSION_K + rank)
    return sorted(scores, key=lambda key: -scores[key])
