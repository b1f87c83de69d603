"""Values that belong to another thing: the right price of the wrong plan, the serial number of the other device.

Evidence is read as items: a cell of a table with its row's and column's names, a part of a sentence or of a list with the
words around its value. A value in an answer is wrong where the words beside it are those of a rival item, one of the same
evidence with a value of the same kind, and none of them is a word of an item that holds the value. Wherever that cannot be
told, the value is right: a false alarm on a good answer is worse than a swap that passes.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from switchboard.agent.grounding.calendar_names import MONTHS
from switchboard.agent.grounding.facts import Fact, facts_in
from switchboard.text.languages import Language
from switchboard.text.stems import stem
from switchboard.text.stop_words import STOP_WORDS

ITEMS_MAX = 400
"""Of one turn; what is behind them binds nothing."""
CELLS_MAX = 24
"""Of one row."""
ID_DIGITS_MIN = 6
SENTENCE_WORDS_MIN = 4
PREFIX_MAX = 3
COUNT_MIN = 10
"""Of a number without a unit: smaller ones are in names too."""

_KindAndUnit = tuple[str, str]
Value = tuple[_KindAndUnit, str]

_BOUND: Final = frozenset({"money", "number", "percent", "date", "id", "phone", "time"})
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_ROW = re.compile(r"^[ \t]{0,8}\|(.{1,2000}?)\|?[ \t]*$", re.MULTILINE)
_RULE = re.compile(r"^[\s|:-]+$")
_SEGMENT = re.compile(r"(?<=[^\d.][.!?])\s+(?=[^\W\d_a-z])|;\s|\n+|(?<=\d[.])\s+(?=[A-ZÄÖÜ])")
_PART = re.compile(r",\s|\s(?:and|und|y|or|oder|o)\s", re.IGNORECASE)
_CLAUSE = re.compile(
    r";\s|:\s|\n|\s(?:and|while|whereas|but|und|während|aber|y|mientras|pero)\s|\s[–—]\s", re.IGNORECASE
)
_SIDE_BY_SIDE = re.compile(
    r"\b(?:than|instead|difference|compared|against|versus|vs|over|top of|beyond|besides|other|both|either|between|not|no|n't|als|statt|unterschied"
    r"|anstatt|neben|beide|nicht|más|menos|en vez|diferencia|ambos|no)\b",
    re.IGNORECASE,
)
"""Sentences that set things side by side."""


@dataclass(frozen=True, slots=True)
class Item:
    """A thing with its values. `text` tells which evidence it is of: only items of one are rivals."""

    text: int
    words: frozenset[str]
    """Stems of the words beside the values; of a cell those of its row's name."""
    names: frozenset[str]
    """Those of them that are written as names, in capitals or with digits."""
    values: frozenset[Value]
    kinds: frozenset[_KindAndUnit]
    column: frozenset[str] = frozenset()
    """Of a cell of a table: the words of its column's name."""


@dataclass(frozen=True, slots=True)
class _Said:
    """The words of a value's clause, of its sentence so far, and which of these are written as names."""

    here: frozenset[str]
    so_far: set[str]
    names: set[str]


def items_of(text: str, number: int, language: Language) -> list[Item]:
    """The items of one text of the evidence; `number` tells it from the other ones."""
    rows = [row[1] for row in _ROW.finditer(text)]
    items = list(_cells(rows, number, language))
    for segment in segments(_ROW.sub("\n", text) if rows else text):
        items += _parts(segment, number, language)
    return items[:ITEMS_MAX]


def segments(text: str) -> list[str]:
    """The sentences of a text and the entries of its lists: what is told of one thing."""
    return _SEGMENT.split(text)


def swapped(sentence: str, items: Sequence[Item], free: frozenset[Value], language: Language) -> list[Fact]:
    """The facts of a sentence that stand beside the words of a rival. `free` are values that bind to nothing: the user's."""
    if not items or _SIDE_BY_SIDE.search(sentence):
        return []
    found: list[Fact] = []
    told: frozenset[Value] = frozenset()
    said: set[str] = set()
    names: set[str] = set()
    for clause in _CLAUSE.split(sentence):
        here = _words(clause)
        said |= here
        names |= _names(clause)
        for fact in facts_in(clause, language):
            rivals = [item for item in items if not item.values & told]
            if _is_bound(fact) and _is_swapped(fact, _Said(here, said, names), items, rivals, free):
                found.append(fact)
            told |= values_of([fact])
    return found


def values_of(facts: Iterable[Fact]) -> frozenset[Value]:
    """The facts as values to compare."""
    return frozenset(value for fact in facts for value in _values(fact))


def _is_swapped(fact: Fact, said: _Said, items: Sequence[Item], others: Sequence[Item], free: frozenset[Value]) -> bool:
    values = frozenset(_values(fact))
    own = [item for item in items if item.values & values]
    if not own or values & free or len({item.text for item in own}) > 1:
        return False
    kind = _kind_of(fact)
    rivals = [item for item in others if item.text == own[0].text and kind in item.kinds and not item.values & values]
    cells = [item for item in own if item.column]
    if cells:
        if any(not item.column and len(item.words) >= SENTENCE_WORDS_MIN and item.words <= said.so_far for item in own):
            return False  # what stands beside the table says so
        return any(rival.column and all(_is_rivals_cell(rival, cell, said) for cell in cells) for rival in rivals)
    own_words = frozenset[str]().union(*(item.words for item in own))
    for rival in rivals:
        if rival.column or not _WHOLES.isdisjoint(rival.words):
            continue
        named = (rival.words - own_words) & said.here
        if not all(item.words & _MONTHS for item in own):
            named -= _MONTHS
        if (named & rival.names or len(named) > 1) and all(_is_unnamed(item, rival, said.so_far) for item in own):
            return True
    return False


_WHOLES: Final = frozenset(map(stem, ("total", "sum", "gesamt", "summe", "altogether")))
"""What has parts: its name stands beside theirs."""
_MONTHS: Final = frozenset(map(stem, MONTHS))


def _is_unnamed(own: Item, rival: Item, said: set[str]) -> bool:
    differing = own.words - rival.words
    return bool(differing) and not differing & said


def _is_rivals_cell(rival: Item, own: Item, said: _Said) -> bool:
    """Whether the sentence names the rival's row in their column, or its column in their row, and not the own one."""
    if rival.column == own.column:
        theirs, ours = rival.words, own.words
    elif rival.words == own.words:
        theirs, ours = rival.column, own.column
    else:
        return False
    if not ours - theirs:
        return bool(theirs - ours) and theirs <= said.so_far and bool((theirs - ours) & said.names)
    if (ours - theirs) & said.so_far:
        return False
    return bool((theirs - ours) & said.names) if theirs - ours else theirs <= said.so_far


def _is_bound(fact: Fact) -> bool:
    if fact.kind == "number" and not fact.unit:
        return fact.values[0] >= COUNT_MIN
    return fact.kind in _BOUND and fact.unit != "times"


def _is_long_number(fact: Fact) -> bool:
    return fact.kind == "number" and not fact.unit and len(str(fact.values[0])) >= ID_DIGITS_MIN


def _kind_of(fact: Fact) -> _KindAndUnit:
    """What may stand in each other's place: ids, phone numbers and other long numbers may."""
    if fact.kind in ("id", "phone") or _is_long_number(fact):
        return "word", ""
    return fact.kind, "" if fact.kind == "money" else fact.unit


def _values(fact: Fact) -> Iterator[Value]:
    kind = _kind_of(fact)
    if fact.kind == "date":
        yield kind, f"{fact.month}-{fact.day}"
    elif kind[0] == "word":
        yield kind, fact.word or str(fact.values[0])
    else:
        yield from ((kind, str(value.normalize())) for value in fact.values)


def _cells(rows: Sequence[str], number: int, language: Language) -> Iterator[Item]:
    head: list[str] = []
    for row in rows:
        cells = [cell.strip() for cell in row.split("|")][:CELLS_MAX]
        if _RULE.match(row):
            continue
        if not head:
            head = cells
            continue
        for title, cell in zip(head[1:], cells[1:], strict=False):
            facts = [fact for fact in facts_in(cell, language) if _is_bound(fact)]
            if facts:
                yield Item(number, _words(cells[0]), _names(cells[0]), values_of(facts), _kinds(facts), _words(title))


def _parts(segment: str, number: int, language: Language) -> Iterator[Item]:
    """Values that are the only ones of their kind are of the whole segment; those of several belong to their parts of it."""
    facts = [fact for fact in facts_in(segment, language) if _is_bound(fact)]
    shapes = [_shape(fact) for fact in facts]
    single = [fact for fact, shape in zip(facts, shapes, strict=True) if shapes.count(shape) == 1]
    if single:
        yield _prose(number, segment, single)
    many = {shape for shape in shapes if shapes.count(shape) > 1}
    if not many:
        return
    for part in _PART.split(segment):
        there = [fact for fact in facts_in(part, language) if _is_bound(fact) and _shape(fact) in many]
        if there:
            # A part without a name is of what stands before it: all of the segment may name it.
            yield _prose(number, part if _names(part) else segment, there)


def _shape(fact: Fact) -> tuple[str, str, str]:
    """A line and a serial number in one sentence are no rivals of each other."""
    return fact.kind, fact.unit, fact.text.rstrip("0123456789-")[:PREFIX_MAX] if fact.kind == "id" else ""


def _prose(number: int, label: str, facts: Sequence[Fact]) -> Item:
    ids = {_key(fact.text) for fact in facts if fact.kind == "id"}
    words = frozenset(
        word for word in _words(label) if word not in STOP_WORDS and not word[0].isdigit() and word not in ids
    )
    return Item(number, words, words & _names(label), values_of(facts), _kinds(facts))


def _kinds(facts: Iterable[Fact]) -> frozenset[_KindAndUnit]:
    return frozenset(map(_kind_of, facts))


def _words(text: str) -> frozenset[str]:
    return frozenset(map(_key, _WORD.findall(text)))


def _names(text: str) -> frozenset[str]:
    return frozenset(_key(word) for word in _WORD.findall(text) if word[0].isupper() or word[0].isdigit())


def _key(word: str) -> str:
    return stem(word.lower().removesuffix("'s"))
