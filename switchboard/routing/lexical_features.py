"""The words of a text as a vector: hashed words, word pairs and character n-grams, weighted by how rare they are.

What an embedding is blind to (ids, product names, mistyped and foreign words) is alike here. Signed feature hashing
(Weinberger et al. 2009) keeps inner products, so that no vocabulary is kept and a new card needs no new space.
"""

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from switchboard.text.words import words

Matrix = NDArray[np.float32]
Counts = tuple[NDArray[np.int16], Matrix]
"""Buckets that are not empty, and what is in them."""

BUCKETS = 2_048
WORD_WEIGHT = 0.10
"""Of the kernel's part that compares words and word pairs."""
CHARACTER_WEIGHT = 0.15
"""Of the part that compares n-grams of characters within words."""
GRAM_CHARACTERS_MIN, GRAM_CHARACTERS_MAX = 3, 5
TEXTS_KEPT_MAX = 4_096
"""Agents come and go, and most of their texts stay: about 2 KiB each are kept."""
TEXT_CHARACTERS_MAX = 1_000
"""The start of a message says what it is about."""


@dataclass(frozen=True, slots=True)
class LexicalSpace:
    """Weights of the buckets, learned from the texts that are known."""

    rarity: Matrix
    """Shape (2, `BUCKETS`): inverse document frequencies of words, and of characters."""

    @classmethod
    def learned(cls, texts: Sequence[str]) -> "LexicalSpace":
        counts = np.zeros((2, BUCKETS), dtype=np.float32)
        for text in texts:
            for family, (places, _) in zip(counts, _counted(text), strict=True):
                family[places] += 1
        return cls(np.log((1 + len(texts)) / (1 + counts)).astype(np.float32) + 1)

    def rows(self, texts: Sequence[str]) -> Matrix:
        """Shape (len(texts), `BUCKETS`). The inner product of two rows is the lexical part of their kernel."""
        result = np.zeros((len(texts), BUCKETS), dtype=np.float32)
        for row, text in zip(result, texts, strict=True):
            families = zip(_counted(text), self.rarity, (WORD_WEIGHT, CHARACTER_WEIGHT), strict=True)
            for (places, found), rarity, weight in families:
                weighted = found * rarity[places]
                length = float(np.linalg.norm(weighted))
                if length > 0:
                    row[places] += weighted * (weight**0.5 / length)
        return result


def _families(text: str) -> tuple[list[str], list[str]]:
    said = words(text[:TEXT_CHARACTERS_MAX])
    pairs = [f"{left} {right}" for left, right in zip(["^", *said], [*said, "$"], strict=True)] if said else []
    grams: list[str] = []
    for word in said:
        padded = f" {word} "
        for size in range(GRAM_CHARACTERS_MIN, min(GRAM_CHARACTERS_MAX, len(padded)) + 1):
            grams.extend(padded[start : start + size] for start in range(len(padded) - size + 1))
    return [*said, *pairs], grams


@lru_cache(maxsize=TEXTS_KEPT_MAX)
def _counted(text: str) -> tuple[Counts, Counts]:
    """Of words, and of characters: 1 + log of how often each bucket's features occur, with the sign of their hash."""
    word_features, gram_features = _families(text)
    return _hashed(word_features), _hashed(gram_features)


def _hashed(features: Sequence[str]) -> Counts:
    counts = Counter(zlib.crc32(each.encode()) for each in features)
    codes = np.fromiter(counts, dtype=np.int64, count=len(counts))
    times = np.fromiter(counts.values(), dtype=np.float64, count=len(counts))
    values = (1 + np.log(times)) * np.where(codes & 0x80000000, 1.0, -1.0)
    found = np.bincount(codes % BUCKETS, weights=values, minlength=BUCKETS)
    places = np.flatnonzero(found)
    return places.astype(np.int16), found[places].astype(np.float32)
