"""What an answer may rest on, as hard facts: read once, asked by the sentence."""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, cast

import orjson

from switchboard.agent.grounding.bindings import ITEMS_MAX, Item, Value, items_of, segments, values_of
from switchboard.agent.grounding.facts import Fact, Kind, facts_in
from switchboard.agent.grounding.units import UNITS, unit_of
from switchboard.text.languages import Language, language_of
from switchboard.text.stems import stem
from switchboard.text.stop_words import STOP_WORDS
from switchboard.text.words import words

TEXT_CHARACTERS_MAX = 200_000
DURATION_DAYS_MAX = 366
WORKING_DAYS_MAX = 15
DATES_RECKONED_MAX = 20
FRIDAY = 4
NODES_MAX = 4_000
"""Of one JSON value; what is behind them is no evidence."""

_KEY_UNITS: Final[dict[str, tuple[Kind, str, Decimal]]] = {
    **{name: ("money", "", Decimal("0.01")) for name in ["pence", "cents", "cent", "minor"]},
    **{name: ("percent", "", Decimal(1)) for name in ["percent", "pct", "percentage"]},
    **{name: ("number", dimension, factors[0]) for name, (dimension, factors) in UNITS.items() if len(name) > 1},
    "mbps": ("number", "megabits/s", Decimal(1)),
    "g": ("number", "grams", Decimal(1)),
    "s": ("number", "seconds", Decimal(1)),
}
"""What the end of a key says of its number: `total_pence`, `latency_ms`."""
_MONEY_NOUNS: Final = frozenset(
    {"price", "amount", "total", "cost", "fee", "balance", "charge", "value", "sum", "net", "gross"}
)
_LIST_ITEM = re.compile(r"^[ \t]{0,8}(?:[-*•]|\d{1,2}[.)])[ \t]", re.MULTILINE)
_WORKING_DAY = re.compile(
    r"\b(?:not|no|next) a? ?(?:working|business) day|\bnächsten werktag|\bsiguiente día (?:hábil|laborable)"
)
"""What is due on a weekend is due on the Monday after it, where a text says so."""
_ID_WITH_DETAILS = re.compile(r"\b([A-Z]{1,8}-[A-Z0-9-]{1,30})\s\(([^()]{1,200})\)")
_ROW = re.compile(r"^[ \t]{0,8}\|", re.MULTILINE)
_ONE_UNIT = re.compile(
    r"\b(?:an?|one|per|each|every|einer?|eine[nm]?|pro|una?|por)[ ]([a-zäöüñí]{1,12})\b", re.IGNORECASE
)
"""A week that is spoken of is seven days."""
_KEY_PART = re.compile(r"[a-z]+|\d+")


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that a tool told: a sentence, or an object of its JSON; what stands in it belongs together."""

    ids: frozenset[str]
    months: frozenset[int]
    days: frozenset[tuple[int, int]]
    """Month and day."""
    amounts: frozenset[Decimal]
    phones: frozenset[str]


@dataclass(slots=True)
class Evidence:
    """The facts that may be told in a turn. Add to it with `add_*`; it only grows.

    `today` is the agent's day.
    """

    today: date
    text: str = ""
    """All of it in lower case: where words and literals are looked up."""
    facts: dict[Kind, list[Fact]] = field(default_factory=dict[Kind, list[Fact]])
    numbers: dict[str, set[Decimal]] = field(default_factory=dict[str, set[Decimal]])
    """By unit; the empty unit holds those without one, `money` and `percent` theirs."""
    exact: dict[str, set[Decimal]] = field(default_factory=dict[str, set[Decimal]])
    """As `numbers`, the first reading only: what may be rounded."""
    raw: set[Decimal] = field(default_factory=set[Decimal])
    """Every numeral without its unit, amounts excepted: "you have 14" may be said of 14 days."""
    bare: set[Decimal] = field(default_factory=set[Decimal])
    """Numbers that may be amounts, though no currency stands beside them: "I paid 58.50", `"price": 19`."""
    words_joined: set[str] = field(default_factory=set[str])
    """Ids, phone numbers and tokens, in lower case and without separators."""
    counts: dict[str, set[Decimal]] = field(default_factory=dict[str, set[Decimal]])
    """What is counted, by the stem of its noun."""
    lengths: set[int] = field(default_factory=set[int])
    """How many things a tool listed."""
    records: list[Record] = field(default_factory=list[Record])
    items: list[Item] = field(default_factory=list[Item])
    """Things and their values, of tools and passages: what belongs to which."""
    free: set[Value] = field(default_factory=set[Value])
    """Values that the user, the history or the instructions told: they belong to anything."""
    done: list[str] = field(default_factory=list[str])
    """What was done in this turn or said to be done before: names and facts of tools that change something."""
    told: list[str] = field(default_factory=list[str])
    """What tools told, besides passages."""

    _texts: int = 0
    _dates: list[date] | None = None
    _reckoned: set[date] | None = None

    def __post_init__(self) -> None:
        self._date(self.today)

    def add_text(self, text: str, language: Language | None = None) -> tuple[Fact, ...]:
        """Sentences: a fact of a tool, a passage, what the user or an earlier answer says."""
        if len(self.text) < TEXT_CHARACTERS_MAX:
            self.text += "\n" + " ".join(text.lower().split())
        return self.add_facts(text, language)

    def add_facts(self, text: str, language: Language | None = None) -> tuple[Fact, ...]:
        """The hard facts of a text, and not its words."""
        read_as = language or language_of(text)
        found = facts_in(text, read_as)
        for items in (_LIST_ITEM.findall(text), _ROW.findall(text)):
            self.lengths.update(range(2, len(items) + 1))
        if language is None and read_as != "en":
            found += facts_in(text, "en")
        for fact in found:
            self._add(fact)
        for match in _ONE_UNIT.finditer(text):
            unit = unit_of(match[1])
            if unit is not None:
                self.numbers.setdefault(unit[0], set()).update(unit[1])
        return found

    def add_items(self, text: str) -> None:
        """What in a text of a tool or an article belongs to which thing; its facts are added by `add_text`."""
        if len(self.items) < ITEMS_MAX:
            self._texts += 1
            self.items += items_of(text, self._texts, language_of(text))

    def add_free(self, facts: Iterable[Fact]) -> None:
        """Facts of what the user or an earlier answer says: they are told of anything."""
        self.free |= values_of(facts)

    def add_sentences(self, facts: Sequence[str]) -> None:
        """A tool's facts: each is a record of its own, and how many there are may be told."""
        for each in facts:
            self.records += [_record(self.add_text(each)), *_inner_records(each)]
            self.told.append(each)
        self.add_items("\n".join(facts))
        if len(facts) > 1:
            self.lengths.update(range(2, len(facts) + 1))

    def add_data(self, data: Any) -> None:
        """JSON of a tool. What a key says of its number counts: `total_pence` is an amount."""
        self._walk(data, "", [NODES_MAX])
        self.told.append(orjson.dumps(data).decode())

    def add_done(self, name: str, facts: Iterable[str]) -> None:
        """A tool that changes something has run, and said `facts`."""
        self.done += [name.replace("_", " "), *facts]

    def _walk(self, value: Any, key: str, left: list[int]) -> Sequence[Fact]:
        left[0] -= 1
        if left[0] < 0:
            return []
        if isinstance(value, Mapping):
            found: list[Fact] = []
            for name, each in cast(Mapping[str, Any], value).items():
                found += self._walk(each, str(name), left)
                self._key(str(name))
            self.records.append(_record(found))
            return found
        if isinstance(value, list):
            items = cast(list[Any], value)
            self.lengths.update(range(2, len(items) + 1))
            if key:
                self.counts.setdefault(stem(key.rsplit("_", 1)[-1].lower()), set()).update(
                    map(Decimal, range(2, len(items) + 1))
                )
            return [fact for each in items for fact in self._walk(each, key, left)]
        if isinstance(value, bool) or value is None:
            return []
        if isinstance(value, int | float):
            fact = _number_of(key, value)
            self._add(fact)
            return [fact]
        return self.add_text(str(value), "en")

    def _key(self, key: str) -> None:
        spoken = " ".join(_KEY_PART.findall(key.lower()))
        self.text += f"\n{spoken}"
        if any(character.isdigit() for character in key):
            for fact in facts_in(spoken):
                self._add(fact)

    def _date(self, day: date) -> None:
        self._add(Fact("date", day.isoformat(), year=day.year, month=day.month, day=day.day))

    def _add(self, fact: Fact) -> None:
        self.facts.setdefault(fact.kind, []).append(fact)
        self._dates = self._reckoned = None
        if fact.kind in ("money", "percent", "number"):
            unit = fact.kind if fact.kind != "number" else fact.unit
            self.numbers.setdefault(unit, set()).update(fact.values)
            self.exact.setdefault(unit, set()).add(fact.values[0])
            if fact.kind != "money":
                self.raw.update(fact.raw or fact.values)
            if not unit and (fact.places == 2 or not fact.nouns or not _MONEY_NOUNS.isdisjoint(fact.nouns)):
                self.bare.update(fact.values)
            for noun in fact.nouns:
                self.counts.setdefault(stem(noun), set()).update(fact.values)
        elif fact.kind == "ordinal":
            self.raw.update(fact.values)
            self.numbers.setdefault("", set()).update(fact.values)
        elif fact.kind == "time":
            hours = {value // 60 for value in fact.values}
            self.raw |= hours | {hour % 12 or Decimal(12) for hour in hours}
        elif fact.word:
            self.words_joined.add(fact.word)

    @property
    def dates(self) -> list[date]:
        """The full ones: what durations are counted between, and days of the week known from."""
        if self._dates is None:
            found: list[date] = []
            for fact in self.facts.get("date", ()):
                with suppress(ValueError):
                    found.append(date(fact.year or self.today.year, fact.month, fact.day))
            self._dates = list(dict.fromkeys(found))
        return self._dates

    @property
    def durations_days(self) -> set[int]:
        """Of the quantities that count days and weeks."""
        day_s = Decimal(86_400)
        return {
            int(value / day_s) for value in self.numbers.get("seconds", ()) if value >= day_s and value % day_s == 0
        }

    def is_date(self, year: int | None, month: int, day: int) -> bool:
        """Whether the day is told, or counted from a told one by a told duration."""
        for fact in self.facts.get("date", ()):
            if (fact.month, fact.day) == (month, day) and (year is None or fact.year is None or fact.year == year):
                return True
        return any(
            (month, day) == (each.month, each.day) and year in (None, each.year) for each in self.reckoned_dates()
        )

    def reckoned_dates(self) -> set[date]:
        """What lies a told duration before or after a told date, and so many working days after it."""
        if self._reckoned is None:
            durations = [days for days in self.durations_days if days <= DURATION_DAYS_MAX]
            starts = self.dates[-DATES_RECKONED_MAX:]
            around = {start + timedelta(days=days * way) for start in starts for days in durations for way in (-1, 1)}
            working = [days for days in durations if days <= WORKING_DAYS_MAX]
            if _WORKING_DAY.search(self.text):
                around |= {_working_days_after(start, 1) for start in starts if start.weekday() > FRIDAY}
            self._reckoned = around | {_working_days_after(start, days) for start in starts for days in working}
        return self._reckoned


def _working_days_after(start: date, days: int) -> date:
    """Monday to Friday; a company's holidays are not known here."""
    while days > 0:
        start += timedelta(days=1)
        days -= start.weekday() < 5
    return start


def _number_of(key: str, value: float) -> Fact:
    last = key.lower().rsplit("_", 1)[-1]
    kind, unit, factor = _KEY_UNITS.get(last, ("number", "", Decimal(1)))
    number = Decimal(str(value)).copy_abs()
    nouns = tuple(word for word in words(key.replace("_", " ")) if word not in STOP_WORDS)
    exponent = number.normalize().as_tuple().exponent
    places = max(0, -exponent) if isinstance(exponent, int) else 0
    return Fact(
        kind,
        f"{key} {value}",
        (number * factor,),
        unit=unit,
        places=places,
        nouns=nouns if kind == "number" and not unit else (),
    )


def _inner_records(text: str) -> list[Record]:
    """Of a text about several things: its sentences, and what stands in parentheses behind an id."""
    language = language_of(text)
    inner = [f"{match[1]} {match[2]}" for match in _ID_WITH_DETAILS.finditer(text)]
    found = [_record(facts_in(each, language)) for each in (*segments(text), *inner)]
    return [record for record in found if record.ids]


def _record(facts: Iterable[Fact]) -> Record:
    found = list(facts)
    return Record(
        frozenset(fact.word for fact in found if fact.kind == "id"),
        frozenset(fact.month for fact in found if fact.kind in ("date", "month")),
        frozenset((fact.month, fact.day) for fact in found if fact.kind == "date"),
        frozenset(value for fact in found if fact.kind == "money" for value in fact.values),
        frozenset(fact.word for fact in found if fact.kind == "phone"),
    )
