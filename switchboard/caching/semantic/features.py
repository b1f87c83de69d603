"""What the verifier is told of two questions beside their cosine. Every feature is symmetric and knows no domain."""

import math
from collections.abc import Callable, Collection

from switchboard.caching.semantic.reading import Reading

Rarity = Callable[[str], float]
"""0 for the commonest word, 1 for one that the vocabulary does not hold."""

NAMES = (
    "cosine",
    "content_weighted",
    "content_contained",
    "unshared_rarest",
    "unshared_count",
    "stems_shared",
    "bigrams_shared",
    "trigrams_shared",
    "length_ratio",
    "content_count",
    "kinds_differ",
    "prepositions_differ",
    "modals_differ",
    "persons_differ",
    "form_differs",
    "both_add",
    "kinds_shared",
    "length",
)


def features(cosine: float, a: Reading, b: Reading, rarity: Rarity) -> list[float]:
    """In the order of `NAMES`."""
    shared, unshared = a.content & b.content, a.content ^ b.content
    weights = {word: 0.1 + rarity(word) for word in shared | unshared}
    total = sum(weights.values())
    shortest = min(len(a.tokens), len(b.tokens))
    return [
        cosine,
        sum(weights[word] for word in shared) / total if total else 1.0,
        len(shared) / max(1, min(len(a.content), len(b.content))),
        max((weights[word] - 0.1 for word in unshared), default=0.0),
        min(len(unshared), 8) / 4,
        _shared(a.stems, b.stems),
        _shared(a.bigrams, b.bigrams),
        _shared(a.trigrams, b.trigrams),
        shortest / max(1, len(a.tokens), len(b.tokens)),
        min(len(a.content), len(b.content), 6) / 6,
        float(a.kinds != b.kinds),
        min(len(a.prepositions ^ b.prepositions), 4) / 4,
        min(len(a.modals ^ b.modals), 4) / 4,
        float(a.persons != b.persons),
        float(a.is_question != b.is_question),
        float(bool(a.content - b.content) and bool(b.content - a.content)),
        _shared(a.kinds, b.kinds),
        math.log1p(shortest) / 3,
    ]


def _shared(a: Collection[object], b: Collection[object]) -> float:
    left, right = frozenset(a), frozenset(b)
    return len(left & right) / len(left | right) if left or right else 1.0
