"""Finds products by how people write their names: in a whole message, or as a name with a slip in it."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

from services.product.catalogue import Product

SIMILARITY_MIN: Final = 0.84
_FILLERS: Final = frozenset(
    [
        "the",
        "a",
        "an",
        "my",
        "your",
        "our",
        "new",
        "this",
        "that",
        "phone",
        "smartphone",
        "mobile",
        "router",
        "tablet",
        "watch",
        "plan",
        "tariff",
        "broadband",
        "box",
        "model",
        "device",
    ]
)


def words_of(text: str) -> list[str]:
    """Lower-case words and numbers; `X5` stays one word."""
    return re.findall(r"[a-z0-9]+", text.lower())


def mentioned(text: str, products: Sequence[Product]) -> list[Product]:
    """Products whose whole name stands in `text`, in the order of their places; the longer of two overlapping names."""
    words = words_of(text)
    found: list[tuple[int, int, Product]] = []
    for product in products:
        name = words_of(product.name)
        for start in range(len(words) - len(name) + 1):
            if words[start : start + len(name)] == name:
                found.append((start, start + len(name), product))
    kept = [
        each
        for each in found
        if not any(
            o is not each and o[0] <= each[0] and each[1] <= o[1] and (o[1] - o[0]) > (each[1] - each[0]) for o in found
        )
    ]
    unique = {product.id: product for _, _, product in sorted(kept, key=lambda each: each[0])}
    return list(unique.values())


def closest(name: str, products: Sequence[Product]) -> Product | None:
    """The one product that `name` means, or `None`: a number that differs is another product, never a slip.

    Tried in turn: the same words; a part of the full name ("Hub 3 Pro"); a slip of the pen ("Kestral 12").
    """
    wanted = _bare(words_of(name))
    if not wanted:
        return None
    for product in products:
        if wanted == _bare(words_of(product.name)):
            return product
    parts = [product for product in products if set(wanted) <= set(words_of(product.name))]
    if parts:
        # "Kestrel 12" could be a part of "Kestrel 12 Pro"; the shortest full name is the plainest reading.
        return min(parts, key=lambda product: len(product.name))
    text, numbers = " ".join(wanted), _numbers(wanted)
    scored = [
        (SequenceMatcher(None, text, " ".join(_bare(words_of(product.name)))).ratio(), product)
        for product in products
        if _numbers(words_of(product.name)) == numbers
    ]
    score, best = max(scored, key=lambda each: each[0], default=(0.0, None))
    return best if score >= SIMILARITY_MIN else None


def is_vague(name: str) -> bool:
    """Whether it names no product but a kind of product: `two phones`, `your plans`."""
    kinds = {*_FILLERS, "two", "three", "some", "cheapest", "best", "products", "devices", "accessories", "watches"}
    return all(word in kinds or word.removesuffix("s") in kinds for word in words_of(name))


def _bare(words: list[str]) -> list[str]:
    return [word for word in words if word not in _FILLERS] or words


def _numbers(words: list[str]) -> set[str]:
    return {word for word in words if any(letter.isdigit() for letter in word)}
