"""Which of several products 'the lighter one' or 'the dearer' is: by the values that the catalogue states."""

import re
from collections.abc import Sequence
from typing import Final

from services.product.catalogue import Product

_MORE: Final = True
_COMPARED: Final[dict[str, tuple[tuple[str, ...], bool]]] = {
    "cheaper": (("price",), not _MORE),
    "dearer": (("price",), _MORE),
    "pricier": (("price",), _MORE),
    "lighter": (("weight",), not _MORE),
    "heavier": (("weight",), _MORE),
    "bigger": (("display", "recording storage", "storage", "data", "price"), _MORE),
    "larger": (("display", "recording storage", "storage", "data", "price"), _MORE),
    "smaller": (("display", "recording storage", "storage", "data", "price"), not _MORE),
    "faster": (("maximum speed", "download speed", "charging"), _MORE),
    "slower": (("maximum speed", "download speed", "charging"), not _MORE),
}
"""A word, the properties that it may be of, and whether it means the one with more."""
_POINTS: Final = re.compile(
    rf"\b({'|'.join(_COMPARED)}|(?:more|less|least|most) expensive)\b(?! than\b)(?:[ -](?:one|of)\b)?", re.IGNORECASE
)


_ASKS_WHICH: Final = re.compile(r"\bwhich\b", re.IGNORECASE)
"""'Which one is lighter?' points at none."""
_AGAINST: Final = re.compile(
    rf"\b({'|'.join(_COMPARED)}|(?:more|less) expensive) than (?:the |my |an? )?", re.IGNORECASE
)


def ahead_of(text: str, product: Product, products: Sequence[Product]) -> list[Product]:
    """Those of `products` that are what `text` asks for against `product`: 'lighter than the Heron'. Of its own category."""
    found = _AGAINST.search(text)
    if found is None:
        return []
    word = found[1].lower()
    names, more = _COMPARED.get(word, (("price",), word.startswith("m")))
    name = next((each for each in names if _value(product, each) is not None), None)
    if name is None:
        return []
    own = _value(product, name) or 0.0
    stated = [(value, each) for each in products if (value := _value(each, name)) is not None]
    kept = [
        (value, each)
        for value, each in stated
        if each.category == product.category and (value > own) is more and value != own
    ]
    return [each for _, each in sorted(kept, key=lambda pair: -pair[0] if more else pair[0])]


def pointed_at(text: str, products: Sequence[Product]) -> Product | None:
    """The one of `products` that a comparative in `text` picks out; None without one, or where the values do not tell."""
    found = _POINTS.search(text)
    if found is None or len(products) < 2 or _ASKS_WHICH.search(text):
        return None
    word = found[1].lower()
    names, more = _COMPARED.get(word, (("price",), word.startswith("m")))
    for name in names:
        stated = [(value, product) for product in products if (value := _value(product, name)) is not None]
        values = {value for value, _ in stated}
        if len(stated) > 1 and len(values) > 1:
            best = max(values) if more else min(values)
            return next(product for value, product in stated if value == best)
    return None


def asks_which(text: str) -> bool:
    """'Which one has the bigger battery?': of all that were named, and not of one of them."""
    return _ASKS_WHICH.search(text) is not None and _POINTS.search(text) is not None


def without_pointing(text: str) -> str:
    """The text without the comparative that picks a product: what 'the lighter one' costs is no question of weight."""
    return _POINTS.sub(" ", text)


def _value(product: Product, name: str) -> float | None:
    if name == "price":
        return float(product.price_pence)
    spec = product.specification(name)
    if spec is None or isinstance(spec.value, bool) or not isinstance(spec.value, int | float):
        return None
    return float(spec.value)
