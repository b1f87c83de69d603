"""Finds products by words, category, price and the property that a superlative asks for. No index: catalogues are small."""

import re
from collections.abc import Sequence
from typing import Final

from services.product.catalogue import Product, Specification
from services.product.names import IGNORED_WORDS
from switchboard.text.quantities import NUMBER_WORDS, Bound, bounds_in, count_in, unit_of
from switchboard.text.stems import stem
from switchboard.text.stop_words import REQUEST_WORDS
from switchboard.text.words import terms

RESULTS_MAX: Final = 5

_SHOPPING = """
find looking look below less pounds pound cost costs price priced cheap cheapest cheaper expensive best good biggest
largest longest lightest fastest highest smallest name list sell offer buy new around big long light fast large small high
"""
_ASKED_AROUND: Final = IGNORED_WORDS | REQUEST_WORDS | frozenset(_SHOPPING.split())
"""What a customer says around the thing: how it is asked for, its price and its size, which are read apart."""
_CATEGORY_WORDS: Final = {
    "phone": "phone", "phones": "phone", "smartphone": "phone", "smartphones": "phone", "handset": "phone",
    "tablet": "tablet", "tablets": "tablet", "watch": "watch", "watches": "watch", "smartwatch": "watch",
    "router": "router", "routers": "router", "mesh": "mesh", "tv": "tv", "television": "tv", "accessory": "accessory",
    "accessories": "accessory",
}  # fmt: skip
_ACCESSORY_WORDS: Final = frozenset(
    [
        "case",
        "cases",
        "charger",
        "chargers",
        "earphones",
        "earphone",
        "headphones",
        "earbuds",
        "buds",
        "powerbank",
        "cable",
    ]
)
"""They name the category, and stay words to look for."""
_WATERPROOF: Final = frozenset(("IP68", "IPX8", "IP69K", "50 m"))
_ATTRIBUTE_WORDS: Final = {
    "ram": "memory", "memory": "memory", "storage": "storage", "space": "storage", "screen": "display", "display": "display",
    "camera": "main camera", "megapixel": "main camera", "megapixels": "main camera", "weigh": "weight", "weighs": "weight",
    "heavy": "weight", "light": "weight", "lightest": "weight", "weight": "weight", "waterproof": "water resistance",
    "water": "water resistance", "resistant": "water resistance", "esim": "eSIM", "5g": "network", "4g": "network",
    "network": "network", "wireless": "wireless charging", "charging": "charging", "charge": "charging", "updates": "updates",
    "support": "updates", "supported": "updates", "range": "coverage", "cover": "coverage", "coverage": "coverage",
    "ports": "Ethernet ports", "ethernet": "Ethernet ports", "speed": "maximum speed", "fast": "maximum speed",
    "devices": "devices at once", "record": "recording storage", "recording": "recording storage", "wi": "Wi-Fi", "wifi": "Wi-Fi",
    "contract": "contract", "roaming": "Europe roaming included", "abroad": "Europe roaming included", "data": "data",
    "download": "download speed", "upload": "upload speed", "price": "price", "cost": "price", "costs": "price",
    "expensive": "price", "noise": "noise cancelling", "battery": "battery", "pen": "pen included", "tuners": "tuners",
    "lighter": "weight", "heavier": "weight", "cheaper": "price", "dearer": "price", "pricier": "price", "faster": "maximum speed",
    "grams": "weight", "gram": "weight", "kilos": "weight", "disk": "recording storage", "sqm": "coverage", "floor": "coverage",
}  # fmt: skip
_SUPERLATIVES: Final = frozenset(["best", "biggest", "largest", "longest", "lightest", "fastest", "most", "highest"])
_CHEAP: Final = frozenset(["cheap", "cheapest", "cheaper", "budget", "affordable"])
_PRICE: Final = re.compile(
    r"(?:under|below|less than|up to|at most|cheaper than|max(?:imum)?)\s*£?\s*(\d[\d,]*)(?:\.(\d\d))?\b", re.IGNORECASE
)


def price_limit_pence(text: str) -> int | None:
    """The price that "under £300" names, in pence."""
    found = _PRICE.search(text)
    return int(found[1].replace(",", "")) * 100 + int(found[2] or 0) if found else None


def category_of(text: str) -> str | None:
    """The category that a text names, if any; plans are named by two words."""
    lowered = text.lower()
    if re.search(r"\b(plan|plans|tariff|tariffs|sim only|contract)\b", lowered):
        return "broadband plan" if re.search(r"\b(broadband|fibre|home|internet)\b", lowered) else "mobile plan"
    if "mobile router" in lowered or "pocket wi" in lowered or "mifi" in lowered:
        return "mobile router"
    if re.search(
        r"\b(better|stronger|weak|bad|poor)\b.{0,80}wi-?fi\b|wi-?fi\b.{0,80}\b(upstairs|reach|garden|loft|corner)\b",
        lowered,
    ):
        return "mesh"
    if _ACCESSORY_WORDS & set(terms(text)):
        return "accessory"
    return next((_CATEGORY_WORDS[word] for word in terms(text) if word in _CATEGORY_WORDS), None)


def attribute_in(text: str, product: Product | None = None) -> str | None:
    """The specification (or `price`) that a text asks for; only what `product` states, where one is given."""
    lowered = " ".join(terms(text))
    if product is not None:
        stated = sorted((spec.name for spec in product.specifications), key=len, reverse=True)
        for name in stated:
            if re.search(rf"\b{re.escape(' '.join(terms(name)))}\b", lowered):
                return name
    for word in terms(text):
        name = _ATTRIBUTE_WORDS.get(word)
        if name is None:
            continue
        if product is None or name == "price" or product.specification(name):
            return name
        # A watch states "battery life" where a phone states "battery".
        longer = next((spec.name for spec in product.specifications if name in spec.name), None)
        if longer:
            return longer
    return None


def search(
    products: Sequence[Product], text: str, *, category: str | None = None, price_max_pence: int | None = None
) -> list[Product]:
    """The best matches, at most `RESULTS_MAX`; empty when nothing fits what was asked."""
    category = category or category_of(text)
    limit = price_max_pence if price_max_pence is not None else price_limit_pence(text)
    words = set(terms(text))
    superlative = attribute_in(text) if words & _SUPERLATIVES else None
    bounds = [bound for bound in bounds_in(text) if any(_is_bounded(product, bound, text) for product in products)]
    rest = _PRICE.sub(" ", text)
    for bound in bounds:
        rest = rest.replace(bound.text, " ")
    wanted = [word for word in terms(rest) if word not in _ASKED_AROUND and word not in _CATEGORY_WORDS]
    if bounds or count_in(text):
        wanted = [word for word in wanted if word not in NUMBER_WORDS and not (bounds and word in _ATTRIBUTE_WORDS)]
    of_category = {*terms(category or ""), "plans", "tariff", "tariffs"}
    if category == "mesh":
        # Whoever wants better Wi-Fi describes the house, which no product states.
        wanted = []
    wanted = [term for term in wanted if category is None or term not in of_category]
    if superlative:
        wanted = [
            term for term in wanted if _ATTRIBUTE_WORDS.get(term) != superlative and term not in terms(superlative)
        ]
    candidates = [
        product
        for product in products
        if (category is None or product.category == category)
        and (limit is None or product.price_pence <= limit)
        and all(_is_within(product, bound, text) for bound in bounds)
    ]
    scored = [(_matches(product, wanted), product) for product in candidates]
    if wanted:
        top = max((score for score, _ in scored), default=0)
        scored = [each for each in scored if each[0] == top and top > 0]
    elif category is None and limit is None and superlative is None and not bounds:
        return []
    chosen = [product for _, product in scored]
    if superlative and superlative != "price":
        stated = [
            (product, spec)
            for product in chosen
            if (spec := product.specification(superlative)) and _number(spec) is not None
        ]
        stated.sort(key=lambda each: (_number(each[1]) or 0) * (1 if each[1].better == "less" else -1))
        chosen = [product for product, _ in stated]
    elif words & _CHEAP or limit is None:
        chosen.sort(key=lambda product: product.price_pence)
    else:
        chosen.sort(key=lambda product: -product.price_pence)
    return chosen[: min(count_in(text) or RESULTS_MAX, RESULTS_MAX)]


def _bounded(product: Product, bound: Bound, text: str) -> list[Specification]:
    """What of a product a bound is about: the property that the text names, else those of its unit."""
    of_unit = [
        spec for spec in product.specifications if _number(spec) is not None and unit_of(spec.unit) == bound.unit
    ]
    named = attribute_in(text, product)
    return [spec for spec in of_unit if spec.name == named] or of_unit


def _is_bounded(product: Product, bound: Bound, text: str) -> bool:
    return bool(bound.unit) and bool(_bounded(product, bound, text))


def _is_within(product: Product, bound: Bound, text: str) -> bool:
    return any(bound.holds(_number(spec) or 0.0) for spec in _bounded(product, bound, text))


def _number(spec: Specification) -> float | None:
    return float(spec.value) if isinstance(spec.value, int | float) and not isinstance(spec.value, bool) else None


def _matches(product: Product, wanted: Sequence[str]) -> int:
    """How many of `wanted` the product's name, summary or specifications hold; a "no" holds nothing."""
    text = [product.name, product.category, product.brand, product.summary]
    for spec in product.specifications:
        if spec.value is False:
            continue
        text.append(spec.name if spec.value is True else f"{spec.name} {spec.value}")
    stems = {stem(word) for word in terms(" ".join(text))}
    synonyms = {_ATTRIBUTE_WORDS[term] for term in wanted if term in _ATTRIBUTE_WORDS}
    held = sum(1 for term in wanted if stem(term) in stems)
    return held + sum(1 for name in synonyms if (spec := product.specification(name)) and _has(spec))


def _has(spec: Specification) -> bool:
    return spec.value is True or (spec.name == "water resistance" and spec.value in _WATERPROOF)
