"""The words of a text as a vector: hashed words, word pairs and character n-grams, weighted by how rare they are.

What an embedding is blind to (ids, product names, mistyped and foreign words) is alike here. Signed feature hashing
(Weinberger et al. 2009) keeps inner products, so that no vocabulary is kept and a new card needs no new space.
"""

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

BUCKETS = 2_048
WORD_WEIGHT = 0.10
"""Of the kernel's part that compares words and word pairs."""
CHARACTER_WEIGHT = 0.15
"""Of the part that compares n-grams of characters within words."""
GRAM_CHARACTERS_MIN, GRAM_CHARACTERS_MAX = 3, 5
TEXT_CHARACTERS_MAX = 1_000
"""The start of a message says what it is about."""
_WORD = re.compile(r"[^\W_]+(?:'[a-z]+)?")


@dataclass(frozen=True, slots=True)
class LexicalSpace:
    """Weights of the buckets, learned from the texts that are known."""

    rarity: Matrix
    """Shape (2, `BUCKETS`): inverse document frequencies of words, and of characters."""

    @classmethod
    def learned(cls, texts: Sequence[str]) -> "LexicalSpace":
        counts = np.zeros((2, BUCKETS), dtype=np.float32)
        for text in texts:
            for family, features in enumerate(_families(text)):
                counts[family, list({zlib.crc32(each.encode()) % BUCKETS for each in features})] += 1
        return cls(np.log((1 + len(texts)) / (1 + counts)).astype(np.float32) + 1)

    def rows(self, texts: Sequence[str]) -> Matrix:
        """Shape (len(texts), `BUCKETS`). The inner product of two rows is the lexical part of their kernel."""
        result = np.zeros((len(texts), BUCKETS), dtype=np.float32)
        for row, text in zip(result, texts, strict=True):
            for family, (features, weight) in enumerate(
                zip(_families(text), (WORD_WEIGHT, CHARACTER_WEIGHT), strict=True)
            ):
                _add(row, features, self.rarity[family], weight)
        return result


def words_of(text: str) -> list[str]:
    """Lower case, without punctuation."""
    return _WORD.findall(text[:TEXT_CHARACTERS_MAX].lower().replace("’", "'"))


def _families(text: str) -> tuple[list[str], list[str]]:
    words = words_of(text)
    pairs = [f"{left} {right}" for left, right in zip(["^", *words], [*words, "$"], strict=True)]
    grams: list[str] = []
    for word in words:
        padded = f" {word} "
        for size in range(GRAM_CHARACTERS_MIN, min(GRAM_CHARACTERS_MAX, len(padded)) + 1):
            grams.extend(padded[start : start + size] for start in range(len(padded) - size + 1))
    return [*words, *pairs], grams


def _add(row: Matrix, features: Sequence[str], rarity: Matrix, weight: float) -> None:
    """Adds a family of features to a row, as a vector of squared length `weight`."""
    if not features:
        return
    counts = Counter(zlib.crc32(each.encode()) for each in features)
    codes = np.fromiter(counts, dtype=np.int64, count=len(counts))
    times = np.fromiter(counts.values(), dtype=np.float32, count=len(counts))
    buckets = codes % BUCKETS
    values = (1 + np.log(times)) * rarity[buckets] * np.where(codes & 0x80000000, 1.0, -1.0)
    added = np.zeros_like(row)
    np.add.at(added, buckets, values.astype(np.float32))
    length = float(np.linalg.norm(added))
    if length > 0:
        row += added * (weight**0.5 / length)
