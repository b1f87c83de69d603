"""Side by side: what two to four products cost, where each is ahead, what they share. Every value as it stands."""

from collections.abc import Sequence
from typing import Any

from services.product.catalogue import Product, Specification
from services.product.money import pounds, price_text


def compare(products: Sequence[Product]) -> list[str]:
    """The comparison as sentences; two products get their differences sorted by who is ahead."""
    facts = [_prices(products)]
    names = _shared_names(products)
    if len(products) == 2:
        facts += _two(products[0], products[1], names)
    else:
        for name in names:
            values = [(product, product.specification(name)) for product in products]
            stated = [f"{value.text()} ({product.name})" for product, value in values if value]
            facts.append(f"{_capital(name)}: {', '.join(stated)}.")
    return facts


def table(products: Sequence[Product]) -> dict[str, Any]:
    """The same for programs: one row a specification, values in the order of `products`."""
    prices = [price_text(each.price_pence, monthly=each.monthly) for each in products]
    rows: list[dict[str, Any]] = [{"name": "price", "unit": "", "values": prices}]
    for name in _shared_names(products):
        found = [product.specification(name) for product in products]
        unit = next((each.unit for each in found if each), "")
        rows.append({"name": name, "unit": unit, "values": [each.value if each else None for each in found]})
    return {"products": [product.name for product in products], "rows": rows}


def _prices(products: Sequence[Product]) -> str:
    costs = [f"{product.name} costs {price_text(product.price_pence, monthly=product.monthly)}" for product in products]
    text = f"{', '.join(costs[:-1])} and {costs[-1]}"
    cheap, dear = min(products, key=lambda p: p.price_pence), max(products, key=lambda p: p.price_pence)
    if len(products) == 2 and cheap.price_pence < dear.price_pence and cheap.monthly == dear.monthly:
        each_month = " a month" if cheap.monthly else ""
        text += f": {cheap.name} is {pounds(dear.price_pence - cheap.price_pence)}{each_month} cheaper"
    return f"{text}."


def _shared_names(products: Sequence[Product]) -> list[str]:
    """Specifications that at least two of them state, in the order of the first."""
    names = dict.fromkeys(spec.name for product in products for spec in product.specifications)
    return [name for name in names if sum(product.specification(name) is not None for product in products) > 1]


def _two(one: Product, two: Product, names: Sequence[str]) -> list[str]:
    ahead: dict[str, list[str]] = {one.name: [], two.name: []}
    other: list[str] = []
    same: list[str] = []
    for name in names:
        a, b = one.specification(name), two.specification(name)
        assert a is not None and b is not None
        if a.value == b.value:
            same.append(f"{name} {a.text()}")
            continue
        winner = _winner(a, b)
        if winner is a:
            ahead[one.name].append(f"{name} ({a.text()} against {b.text()})")
        elif winner is b:
            ahead[two.name].append(f"{name} ({b.text()} against {a.text()})")
        else:
            other.append(f"{name} ({one.name}: {a.text()}; {two.name}: {b.text()})")
    facts = [f"{name} is ahead in: {', '.join(points)}." for name, points in ahead.items() if points]
    if other:
        facts.append(f"They also differ in: {', '.join(other)}.")
    if same:
        facts.append(f"The same in both: {', '.join(same)}.")
    return facts


def _winner(a: Specification, b: Specification) -> Specification | None:
    if isinstance(a.value, bool) and isinstance(b.value, bool):
        return a if a.value else b
    if not isinstance(a.value, int | float) or not isinstance(b.value, int | float) or not a.better:
        return None
    more = a if a.value > b.value else b
    less = b if more is a else a
    return more if a.better == "more" else less


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
