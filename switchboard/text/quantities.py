"""Amounts that a text sets as a bound: 'more than eight hours', 'at least 12 GB', 'the three cheapest'."""

import re
from dataclasses import dataclass
from typing import Final

NUMBER_WORDS: Final = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
}  # fmt: skip
_UNITS: Final = {
    "hour": "h", "hours": "h", "hrs": "h", "gram": "g", "grams": "g", "kilo": "kg", "kilos": "kg", "gig": "gb", "gigs": "gb",
    "gigabyte": "gb", "gigabytes": "gb", "inches": "inch", "\"": "inch", "year": "years", "month": "months", "mp": "mp",
    "megapixel": "mp", "megapixels": "mp", "sqm": "m²", "metres": "m", "meters": "m", "watt": "w", "watts": "w", "mbps": "mbit/s",
}  # fmt: skip
_AT_LEAST: Final = (
    r"more than|over|above|at least|a minimum of|(?:long|heavi|bigg|larg|fast|dear|great)er than|no less than"
)
_AT_MOST: Final = (
    r"less than|fewer than|under|below|at most|up to|a maximum of|(?:light|short|small|cheap|slow)er than|no more than"
)
_BOUND: Final = re.compile(
    rf"\b(?:(?P<least>{_AT_LEAST})|(?P<most>{_AT_MOST})) (?:about |around |some )?"
    rf"(?P<value>\d{{1,7}}(?:[.,]\d{{1,3}})?|{'|'.join(NUMBER_WORDS)})[ -]?(?P<unit>[a-zA-Z²\"][\w/²]{{0,12}})?",
    re.IGNORECASE,
)
_COUNT: Final = re.compile(
    rf"\b(?:the |your )?(?P<count>\d|{'|'.join(NUMBER_WORDS)}) (?:\w{{2,12}}est|best|most|least)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Bound:
    """At least (or at most) `value` of `unit`, which is in small letters and short: h, g, gb; empty where none was said."""

    value: float
    unit: str
    at_least: bool
    text: str
    """As it was said."""

    def holds(self, value: float) -> bool:
        return value >= self.value if self.at_least else value <= self.value


def bounds_in(text: str) -> list[Bound]:
    """The bounds of a text, in order."""
    return [
        Bound(_number(match["value"]), unit_of(match["unit"] or ""), match["least"] is not None, match[0])
        for match in _BOUND.finditer(text)
    ]


def count_in(text: str) -> int | None:
    """How many are asked for: 3 in 'the three cheapest'."""
    match = _COUNT.search(text)
    return int(_number(match["count"])) if match is not None else None


def unit_of(word: str) -> str:
    """A unit as it is compared: 'hours' and 'h' are the same."""
    lowered = word.lower()
    return _UNITS.get(lowered, lowered)


def _number(said: str) -> float:
    known = NUMBER_WORDS.get(said.lower())
    return float(known) if known is not None else float(said.replace(",", "." if len(said.split(",")[-1]) != 3 else ""))
