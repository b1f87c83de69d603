"""Guards of the semantic cache: what must agree before an answer to one question may serve another.

They fail closed: where the texts differ in one of these, there is no hit, however near the vectors are.
"""

from collections.abc import Callable

from switchboard.caching.semantic import lexicon
from switchboard.caching.semantic.reading import QuestionKind, Reading
from switchboard.text.stems import stem

CONFLICTING_KINDS: frozenset[QuestionKind] = frozenset(
    ["time", "amount", "count", "frequency", "place", "person", "reason"]
)


def refusal(asked: Reading, cached: Reading) -> str | None:
    """The name of the first guard that refuses, None where all agree. Symmetric."""
    return next((name for name, agrees in GUARDS if not agrees(asked, cached)), None)


def _numbers(a: Reading, b: Reading) -> bool:
    return a.numbers == b.numbers


def _units(a: Reading, b: Reading) -> bool:
    # A unit that only one text names is often a matter of words; two different ones never are.
    return a.units == b.units or not a.units or not b.units


def _identifiers(a: Reading, b: Reading) -> bool:
    return a.identifiers == b.identifiers


def _dates(a: Reading, b: Reading) -> bool:
    return a.dates == b.dates


def _names(a: Reading, b: Reading) -> bool:
    """What one writes as a name, the other must mention, whatever its capitals."""
    return (
        a.known_names == b.known_names
        and a.variants == b.variants
        and all(_mentions(b, name) for name in a.names)
        and all(_mentions(a, name) for name in b.names)
    )


def _mentions(reading: Reading, name: str) -> bool:
    return stem(name) in reading.stems or all(stem(part) in reading.stems for part in name.split("-") if part)


def _negation(a: Reading, b: Reading) -> bool:
    return (a.negations > 0) == (b.negations > 0)


def _antonyms(a: Reading, b: Reading) -> bool:
    only_a, only_b = a.stems - b.stems, b.stems - a.stems
    if not only_a or not only_b:
        return True
    for left, right in _OPPOSITES:
        if (only_a & left and only_b & right) or (only_a & right and only_b & left):
            return False
    return not any(_prefixed(x, y) or _prefixed(y, x) for x in only_a for y in only_b)


def _prefixed(longer: str, shorter: str) -> bool:
    return len(shorter) > 3 and any(longer == prefix + shorter for prefix in lexicon.OPPOSING_PREFIXES)


def _directions(a: Reading, b: Reading) -> bool:
    """'From pounds to euros' is not 'from euros to pounds'."""
    return not any((_OTHER_WAY[way], place) in b.moves and (way, place) not in b.moves for way, place in a.moves)


def _question(a: Reading, b: Reading) -> bool:
    left, right = a.kinds & CONFLICTING_KINDS, b.kinds & CONFLICTING_KINDS
    return not left or not right or bool(left & right)


_OTHER_WAY = {"from": "to", "to": "from"}
_OPPOSITES = tuple(
    (frozenset(stem(word) for word in left), frozenset(stem(word) for word in right))
    for left, right in lexicon.ANTONYMS
)
GUARDS: tuple[tuple[str, Callable[[Reading, Reading], bool]], ...] = (
    ("numbers", _numbers),
    ("units", _units),
    ("identifiers", _identifiers),
    ("dates", _dates),
    ("names", _names),
    ("negation", _negation),
    ("antonyms", _antonyms),
    ("directions", _directions),
    ("question", _question),
)
