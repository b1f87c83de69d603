"""Finds products by how people write their names: in a whole message, or as a name with a slip in it."""

from collections.abc import Sequence
from typing import Final

from services.product.catalogue import Product
from switchboard.text.spelling import similarity
from switchboard.text.stop_words import STOP_WORDS
from switchboard.text.words import terms

SIMILARITY_MIN: Final = 0.84
IGNORED_WORDS: Final = STOP_WORDS - {"one"}
"""'One' is a part of names here: Fjord One, Box One."""
_KINDS: Final = frozenset(
    [
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
_FILLERS: Final = IGNORED_WORDS | _KINDS | {"new"}
"""What people put around a name, and sometimes leave out of it."""


def mentioned(text: str, products: Sequence[Product]) -> list[Product]:
    """Products whose whole name stands in `text`, in the order of their places; the longer of two overlapping names."""
    words = terms(text)
    found: list[tuple[int, int, Product]] = []
    for product in products:
        name = terms(product.name)
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
    wanted = _bare(terms(name))
    if not wanted:
        return None
    for product in products:
        if wanted == _bare(terms(product.name)):
            return product
    parts = [product for product in products if set(wanted) <= set(terms(product.name))]
    if parts:
        # "Kestrel 12" could be a part of "Kestrel 12 Pro"; the shortest full name is the plainest reading.
        return min(parts, key=lambda product: len(product.name))
    text, numbers = " ".join(wanted), _numbers(wanted)
    scored = [
        (similarity(text, " ".join(_bare(terms(product.name)))), product)
        for product in products
        if _numbers(terms(product.name)) == numbers
    ]
    score, best = max(scored, key=lambda each: each[0], default=(0.0, None))
    return best if score >= SIMILARITY_MIN else None


def is_vague(name: str) -> bool:
    """Whether it names no product but a kind of product: `two phones`, `your plans`."""
    kinds = {*_FILLERS, "two", "three", "some", "cheapest", "best", "products", "devices", "accessories", "watches"}
    return all(word in kinds or word.removesuffix("s") in kinds for word in terms(name))


def _bare(words: list[str]) -> list[str]:
    return [word for word in words if word not in _FILLERS] or words


def _numbers(words: list[str]) -> set[str]:
    return {word for word in words if any(letter.isdigit() for letter in word)}
