"""One property of one product as a sentence."""

from typing import Final

from services.product.catalogue import Product
from services.product.money import price_text

_SENTENCES: Final = {
    "display": "The {product} has a {value} display.",
    "storage": "The {product} has {value} of storage.",
    "memory": "The {product} has {value} of memory.",
    "main camera": "The {product} has a {value} main camera.",
    "battery": "The {product} has a {value} battery.",
    "battery life": "The battery of the {product} lasts {value}.",
    "charging": "The {product} charges with {value}.",
    "weight": "The {product} weighs {value}.",
    "updates": "The {product} gets updates for {value}.",
    "Ethernet ports": "The {product} has {value} Ethernet ports.",
    "devices at once": "The {product} serves {value} devices at once.",
    "coverage": "The {product} covers {value}.",
    "maximum speed": "The maximum speed of the {product} is {value}.",
    "data": "{product} comes with {value} data a month.",
    "contract": "{product} has a contract of {value}.",
}
_YES_NO: Final = {
    "wireless charging": "has {no}wireless charging",
    "eSIM": "has {no}eSIM",
    "noise cancelling": "has {no}noise cancelling",
    "pen included": "comes with {no}pen",
    "phone socket": "has {no}phone socket",
    "Europe roaming included": "has {no}Europe roaming included",
}


def property_sentence(product: Product, name: str) -> str:
    """The price or a specification that `product` states. Raises `KeyError` for one that it does not state."""
    if name == "price":
        return f"The {product.name} costs {price_text(product.price_pence, monthly=product.monthly)}."
    spec = product.specification(name)
    if spec is None:
        raise KeyError(name)
    if isinstance(spec.value, bool):
        phrase = _YES_NO.get(name, f"has {{no}}{name}").format(no="" if spec.value else "no ")
        return f"{'Yes' if spec.value else 'No'}, the {product.name} {phrase}."
    sentence = _SENTENCES.get(name)
    if sentence is None:
        return f"{name[:1].upper()}{name[1:]} of the {product.name}: {spec.text()}."
    return sentence.format(product=product.name, value=spec.text())
