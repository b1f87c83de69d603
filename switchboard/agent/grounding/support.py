"""Whether a hard fact follows from evidence: told there, reckoned from what is told, or counted from it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Final

from switchboard.agent.grounding.evidence import Evidence
from switchboard.agent.grounding.facts import CENTS, Fact
from switchboard.text.stems import stem

FACTORS_MAX = Decimal(100)
"""An amount may be told as often as this, or as this part of it."""
TERMS_MAX = 40
"""Of the amounts that were told, for sums; earlier ones are left out."""
SMALL_COUNT = Decimal(3)
"""Two or three things are counted by eye; more must be told, listed or named."""
TWICE = Decimal(2)
PHONE_DIGITS_COMPARED = 9
SUFFIX_DIGITS_MIN = 4
ASSUMED_MAX = 12
"""Of what is only assumed: "with 2 GB more you would pay £5.00"."""
DIFFERENCE_MIN = 20
"""Of numbers without a unit: smaller ones are the difference of some two of them too often."""
MINUTES_ABOUT = 15
DAYS_AT_HAND = 3
"""Today, tomorrow and the day after may be called by their names."""
CENTS_PLACES = 2
DAY_S = Decimal(86_400)
HALF_HOUR_S = 1_800
CHARACTERS_SOUGHT = 12
CHARACTERS_ABOUT = 24

_SUM = re.compile(
    r"\b(?:together|so|that's|which makes|everything|all of (?:it|them)|whole|total|altogether|in all|sum|adds? up|added|add|plus|combined"
    r"|both|makes|comes to|all in|overall|zusammen|insgesamt|gesamt|summe|macht|beide|total|juntos|juntas|suma|suman|ambos|ambas)\b",
    re.IGNORECASE,
)
_DIFFERENCE = re.compile(
    r"\b(?:more|less|than|against|compared|difference|cheaper|dearer|higher|lower|left|leaves|leaving|remain\w{0,4}|rest|saves?|saving"
    r"|rose|risen|fell|(?:went|gone|up|down) by|increase\w?|extra|short|lighter|heavier|longer|shorter|bigger|smaller|faster|slower"
    r"|larger|greater|older|newer|later|earlier|unused|still|noch|aún|todavía|balance|mehr|weniger|unterschied|differenz|günstiger|billiger|teurer|höher"
    r"|niedriger|übrig|bleib\w{1,3}|sparen|sparst|leichter|schwerer|länger|kürzer|más|menos|diferencia|barat[oa]|car[oa]|queda\w?"
    r"|ahorr\w{1,4})\b",
    re.IGNORECASE,
)
_TOTAL = re.compile(
    r"\b(?:together|total|altogether|in all|combined|sum|plus|zusammen|insgesamt|summe|juntos|juntas|suma|en total)\b",
    re.IGNORECASE,
)
_BESIDE = re.compile(r"\b(?:over|under|above|below|up|down|short|off|from|über|unter|von|sobre|desde)\b", re.IGNORECASE)
"""Weaker words of a difference: of amounts that stand beside them."""
_ASSUMED = re.compile(r"\b(?:with|if|say|suppose|assuming|bei|wenn|mit|con|si)\b", re.IGNORECASE)
_COMPARED = re.compile(r"\b(?:more|less|fewer|left|mehr|weniger|más|menos)\b", re.IGNORECASE)
_PRODUCT = re.compile(
    r"\b(?:each|apiece|times|per|every|single|would be|comes? to|that's|that'd|makes?|which is|costs?|for \d|over \d|in \d|on \d|parts?"
    r"|at \d|set you back|at most|in all|together|altogether|in total|pay|zusammen|jeweils|je|mal|macht|wären|kostet|insgesamt|cada|serían|por|total|x)\b|[×=]",
    re.IGNORECASE,
)
"""Words of a sentence that reckons: without one, a number that could be reckoned is no result."""
_MEAN = re.compile(r"\b(?:average|mean|on average|durchschnitt\w{0,4}|mittel|promedio|media)\b", re.IGNORECASE)
_ABOUT = re.compile(
    r"\b(?:about|around|more than|less than|over|under|up to|at least|mehr als|weniger als|über|unter|más de|menos de|roughly|approximately|approx|nearly|almost|just (?:under|over)|circa|ca|rund|etwa|ungefähr|knapp|fast"
    r"|unos|unas|alrededor|aproximadamente|casi)\b",
    re.IGNORECASE,
)
_OR_SO = re.compile(r"\s(?:\w{1,20}\s)?(?:or so|oder so|más o menos)\b", re.IGNORECASE)
_TIMES_AS = re.compile(r"\b(?:times|mal|veces|twice|doppelt|doble|x)\b", re.IGNORECASE)
_SPOKEN_FACTORS: Final = tuple(
    (re.compile(rf"\b(?:{words})\b", re.IGNORECASE), Decimal(factor))
    for words, factor in (
        (
            r"(?:an?|per|every|each|whole|full) year|yearly|annually|im jahr|pro jahr|jährlich|al año|por año|anuales?",
            12,
        ),
        (r"(?:an?|per|every|each|whole) week|weekly|pro woche|in der woche|a la semana", 7),
        (r"twice|double|half|halves|doppelt|zweimal|hälfte|halbe\w{0,1}|doble|mitad", 2),
        (r"quarter|viertel|cuarto", 4),
    )
)
_WEEKS = re.compile(r"\b(?:weeks?|wochen?|semanas?)\b", re.IGNORECASE)
_LISTED = re.compile(r"\d{1,2}\.?\s?(?:$|,|-|and|to|or|und|bis|oder|y|al?|o)(?:\s|$)", re.IGNORECASE)
_SHARE = re.compile(r"\b(?:one|1|an?) (?:\w{1,20} ){0,2}(?:in|out of|of) (\d{1,3})\b", re.IGNORECASE)


def _about(fact: Fact, sentence: str) -> bool:
    """Whether the fact is told roughly: "about" stands close before it, or "or so" close behind."""
    at = sentence.find(fact.text.strip()[:CHARACTERS_SOUGHT])
    if at < 0:
        return _ABOUT.search(sentence) is not None
    return (
        _ABOUT.search(sentence, max(0, at - CHARACTERS_ABOUT), at) is not None
        or _OR_SO.match(sentence, at + len(fact.text.strip())) is not None
    )


class Told:
    """The numbers of the answer so far: what its sums and products may be made of."""

    def __init__(self) -> None:
        self.amounts: list[Decimal] = []
        self.percents: list[Decimal] = []
        self.numbers: list[Fact] = []

    def copy(self) -> "Told":
        """Another with the same numbers."""
        other = Told()
        other.amounts, other.percents, other.numbers = [*self.amounts], [*self.percents], [*self.numbers]
        return other

    def add(self, facts: Iterable[Fact]) -> None:
        """Facts that were told and are supported."""
        for fact in facts:
            if fact.kind == "money":
                self.amounts.append(fact.values[0])
            elif fact.kind == "percent":
                self.percents.append(fact.values[0])
            elif fact.kind == "number":
                self.numbers.append(fact)


def unsupported(sentence: str, facts: Sequence[Fact], evidence: Evidence, told: Told) -> list[Fact]:
    """Those of a sentence's facts that do not follow. What is supported is added to `told`."""
    names_day = any(fact.kind in ("date", "month", "day", "weekday") for fact in facts)
    open_facts = [
        fact
        for fact in facts
        if not _is_told(fact, evidence, sentence) and not (names_day and _is_day_of_list(fact, evidence))
    ]
    sure = [fact for fact in facts if fact not in open_facts]
    told.add(sure)
    counts = _factors(sentence, facts)
    # A result may be a term of the next one: "three months make £90, 60 % of which is £54".
    for _ in range(len(open_facts)):
        derived = [fact for fact in open_facts if _is_derived(fact, sentence, counts, evidence, told)]
        if not derived:
            break
        told.add(derived)
        open_facts = [fact for fact in open_facts if fact not in derived]
    return open_facts


def _is_day_of_list(fact: Fact, evidence: Evidence) -> bool:
    """The 28 of "on 28 and 30 October"."""
    return (
        fact.kind == "number"
        and not fact.unit
        and _LISTED.match(fact.text) is not None
        and any(each.day == fact.values[0] for each in evidence.facts.get("date", ()))
    )


def _factors(sentence: str, facts: Sequence[Fact]) -> list[Decimal]:
    """How often, or as which part, an amount may be told: "three single ones", "over a year", "half of it"."""
    found = [(fact.raw or fact.values)[0] for fact in facts if fact.kind in ("number", "ordinal")]
    found += [fact.values[0] for fact in facts if fact.kind == "number" and fact.unit == "months"]
    found += [factor for pattern, factor in _SPOKEN_FACTORS if pattern.search(sentence)]
    return [each for each in dict.fromkeys(found) if Decimal(1) < each <= FACTORS_MAX]


def _is_told(fact: Fact, evidence: Evidence, sentence: str) -> bool:
    match fact.kind:
        case "literal":
            return _is_word(fact.word, evidence)
        case "id":
            return fact.word in evidence.words_joined or _is_word(fact.word, evidence)
        case "phone":
            return _is_phone(fact.word, evidence)
        case "date":
            return evidence.is_date(fact.year, fact.month, fact.day)
        case "month":
            return _is_month(fact, evidence)
        case "day":
            return _is_day(fact.day, evidence)
        case "weekday":
            return _is_weekday(fact, evidence)
        case "time":
            return _is_time(fact, evidence, sentence)
        case "money":
            return _is_amount(fact, evidence, sentence)
        case "percent":
            return _holds(fact, evidence, ("percent", ""), sentence) or _is_share(fact, sentence)
        case "number":
            return _is_number(fact, evidence, sentence)
        case "ordinal":
            return True


def _is_word(word: str, evidence: Evidence) -> bool:
    return re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", evidence.text) is not None


def _is_phone(digits: str, evidence: Evidence) -> bool:
    end = digits[-PHONE_DIGITS_COMPARED:]
    return any(
        word == digits or (len(end) == PHONE_DIGITS_COMPARED and word.endswith(end)) for word in evidence.words_joined
    )


def _is_day(day: int, evidence: Evidence) -> bool:
    if any(each.day == day for kind in ("date", "day") for each in evidence.facts.get(kind, ())):
        return True
    return Decimal(day) in evidence.numbers.get("", ()) or any(each.day == day for each in evidence.reckoned_dates())


def _is_month(fact: Fact, evidence: Evidence) -> bool:
    """Told, or next to today's: what is talked of without a date is the last bill or the next one."""
    months = [each for kind in ("date", "month") for each in evidence.facts.get(kind, ())]
    if any(
        each.month == fact.month and (fact.year is None or each.year is None or each.year == fact.year)
        for each in months
    ):
        return True
    return (fact.month - evidence.today.month) % 12 in (1, 11)


def _is_weekday(fact: Fact, evidence: Evidence) -> bool:
    if any(each.day == fact.day for each in evidence.facts.get("weekday", ())):
        return True
    near = (evidence.today + timedelta(days=days) for days in range(DAYS_AT_HAND))
    return any(day.weekday() == fact.day for day in (*near, *evidence.dates, *evidence.reckoned_dates()))


def _is_time(fact: Fact, evidence: Evidence, sentence: str) -> bool:
    known = {value for each in evidence.facts.get("time", ()) for value in each.values}
    if known.intersection(fact.values):
        return True
    if _ABOUT.search(sentence) and any(abs(a - b) <= MINUTES_ABOUT for a in known for b in fact.values):
        return True
    durations = [seconds / 60 for seconds in evidence.numbers.get("seconds", ()) if seconds < DAY_S]
    if any(
        (start + minutes * way) % 1440 in fact.values for start in known for minutes in durations for way in (-1, 1)
    ):
        return True
    hours = {value / 60 for value in fact.values if value % 60 == 0}
    plain = evidence.numbers.get("", set())
    return any(hour in plain or hour % 12 in plain for hour in hours)


def _is_amount(fact: Fact, evidence: Evidence, sentence: str) -> bool:
    amounts = {
        value
        for each in evidence.facts.get("money", ())
        if not (each.unit and fact.unit and each.unit != fact.unit)
        for value in each.values
    }
    if amounts.intersection(fact.values) or evidence.bare.intersection(fact.values):
        return True
    if not _about(fact, sentence):
        return False
    return any(_is_about(amount, value) for amount in amounts for value in fact.values)


def _is_about(exact: Decimal, value: Decimal) -> bool:
    """Rounded to one or two figures: 61.40 is about 61 and about 60."""
    return exact != 0 and any(_rounds_to(exact, value, figures - 1 - exact.adjusted()) for figures in (1, 2))


def _holds(fact: Fact, evidence: Evidence, units: Sequence[str], sentence: str) -> bool:
    known: set[Decimal] = set()
    for unit in units:
        known |= evidence.numbers.get(unit, set())
    if known.intersection(fact.values):
        return True
    about = _about(fact, sentence)
    return any(
        _rounds_to(each, value, fact.places) or (about and _is_about(each, value))
        for each in known
        for value in fact.values
    )


def _rounds_to(exact: Decimal, value: Decimal, places: int) -> bool:
    step = Decimal(1).scaleb(-places)
    return value != 0 and value in (exact.quantize(step, ROUND_HALF_UP), exact.quantize(step, ROUND_HALF_EVEN))


def _is_number(fact: Fact, evidence: Evidence, sentence: str) -> bool:
    plain = evidence.numbers.get("", set())
    if fact.unit:
        if _holds(fact, evidence, (fact.unit,), sentence) or plain.intersection(fact.raw or fact.values):
            return True
        if fact.unit == "times":
            return fact.values[0] == TWICE
        if fact.unit == "months" and fact.raw and int(fact.raw[0]) in evidence.lengths:
            return True  # "in the last 3 months", of a list by months
        if _ASSUMED.search(sentence) and _reckons(sentence) and fact.raw and fact.raw[0] <= ASSUMED_MAX:
            return True
        return fact.unit in ("seconds", "months") and _is_distance(fact, evidence, sentence)
    value = fact.values[0]
    if fact.nouns and (counted := evidence.counts.get(stem(fact.nouns[-1]))) is not None:
        return value in counted
    if evidence.raw.intersection(fact.values) or any(_rounds_to(each, value, fact.places) for each in evidence.raw):
        return True
    if _about(fact, sentence) and any(_is_about(each, value) for each in evidence.raw):
        return True
    if fact.places == CENTS_PLACES and evidence.numbers.get("money", set()).intersection(fact.values):
        return True
    if fact.places == 2 and any(
        value // 1 * 60 + value % 1 * 100 + noon in each.values
        for each in evidence.facts.get("time", ())
        for noon in (0, 720)
    ):
        return True  # 22.40, as some write the time
    if (value <= SMALL_COUNT and not fact.places) or (
        value == value.to_integral_value() and int(value) in evidence.lengths
    ):
        return True
    if any(each.year == value for kind in ("date", "month") for each in evidence.facts.get(kind, ())):
        return True
    digits = str(value)
    return len(digits) >= SUFFIX_DIGITS_MIN and any(word.endswith(digits) for word in evidence.words_joined)


def _is_distance(fact: Fact, evidence: Evidence, sentence: str) -> bool:
    """Days between two told dates, or months."""
    dates = evidence.dates
    if fact.unit == "months":
        months = {abs((a.year - b.year) * 12 + a.month - b.month) for a in dates for b in dates}
        slack = (11 if _ABOUT.search(sentence) else 3) if fact.values[0] % 12 == 0 else 1
        return any(abs(value - each) <= slack for value in fact.values for each in months)
    times = {value for each in evidence.facts.get("time", ()) for value in each.values}
    minutes = {abs(a - b) * 60 for a in times for b in times} - {0}
    if minutes.intersection(fact.values):
        return True
    if _ABOUT.search(sentence) and any(abs(each - value) <= HALF_HOUR_S for each in minutes for value in fact.values):
        return True
    days = {abs((a - b).days) for a in dates for b in dates} - {0}
    days |= {abs((evidence.today - each).days) for each in evidence.reckoned_dates()}
    weeks = _WEEKS.search(fact.text) is not None
    return any(
        value % DAY_S == 0 and any(abs(value / DAY_S - day) <= (3 if weeks else 0) for day in days)
        for value in fact.values
    )


def _is_share(fact: Fact, sentence: str) -> bool:
    """ "One case in five (20 %)"."""
    return any(
        _rounds_to(Decimal(100) / Decimal(match[1]), fact.values[0], fact.places)
        for match in _SHARE.finditer(sentence)
        if Decimal(match[1])
    )


def _is_derived(fact: Fact, sentence: str, counts: Sequence[Decimal], evidence: Evidence, told: Told) -> bool:
    match fact.kind:
        case "money":
            results = _amounts(sentence, counts, evidence, told)
            about = _ABOUT.search(sentence) is not None
            return any(
                _near(value, result) or (about and _rounds_to(result, value, 0))
                for result in results
                for value in fact.values
            )
        case "percent":
            about = _ABOUT.search(sentence) is not None
            pairs = list(_pairs_alike(told))
            shares = [a / b * 100 for a, b in pairs]
            shares += [abs(a - b) / b * 100 for a, b in pairs if _DIFFERENCE.search(sentence)]
            value = fact.values[0]
            return any(_rounds_to(share, value, fact.places) or (about and _is_about(share, value)) for share in shares)
        case "number":
            return _is_derived_number(fact, sentence, counts, evidence, told)
        case _:
            return False


def _reckons(sentence: str) -> bool:
    return _PRODUCT.search(sentence) is not None or any(pattern.search(sentence) for pattern, _ in _SPOKEN_FACTORS)


def _pairs_alike(told: Told) -> Iterator[tuple[Decimal, Decimal]]:
    """Pairs of told amounts, and of told numbers; the unit of one of them is often left out."""
    yield from ((a, b) for a in told.amounts for b in told.amounts if b)
    for a in told.numbers:
        for b in told.numbers:
            if a.unit == b.unit and b.values[0]:
                yield a.values[0], b.values[0]
            elif not (a.unit and b.unit) and (b.raw or b.values)[0]:
                yield (a.raw or a.values)[0], (b.raw or b.values)[0]


def _near(value: Decimal, result: Decimal) -> bool:
    """To the penny, however the half one is rounded."""
    return abs(value - result) < CENTS


def _amounts(sentence: str, counts: Sequence[Decimal], evidence: Evidence, told: Told) -> Iterator[Decimal]:
    known = list(dict.fromkeys([*told.amounts, *evidence.numbers.get("money", ())]))
    percents = dict.fromkeys([*told.percents, *evidence.numbers.get("percent", ())])
    for amount in known:
        yield from (amount * percent / 100 for percent in percents)
        yield from (amount * (100 - percent) / 100 for percent in percents if _reckons(sentence))
        for factor in counts if _reckons(sentence) else ():
            yield amount * factor
            yield amount / factor
            yield from (amount * factor * percent / 100 for percent in percents)
    told_last = told.amounts[-TERMS_MAX:]
    if _TOTAL.search(sentence):
        yield from (a + b for n, a in enumerate(known) for b in known[n + 1 :])
    if _BESIDE.search(sentence):
        yield from (abs(a - b) for a in told_last for b in told_last)
    if _SUM.search(sentence):
        for start in range(len(told_last)):
            total = Decimal(0)
            for amount in told_last[start:]:
                total += amount
                yield total
        yield sum(set(told.amounts), Decimal(0))
    if _DIFFERENCE.search(sentence):
        yield from (abs(a - b) for n, a in enumerate(known) for b in known[n + 1 :])


def _is_derived_number(fact: Fact, sentence: str, counts: Sequence[Decimal], evidence: Evidence, told: Told) -> bool:
    known = evidence.numbers.get(fact.unit, set()) | evidence.numbers.get("", set())
    told_values = [each.values[0] for each in told.numbers if each.unit == fact.unit]
    value = fact.values[0]
    percents = {*told.percents, *evidence.numbers.get("percent", ())}
    if fact.unit and any(value == each * percent / 100 for percent in percents for each in known):
        return True
    others = [count for count in counts if count not in (fact.raw or fact.values)]
    reckons = fact.unit and _PRODUCT.search(sentence)
    if reckons and any(value == each * count or _is_about(each / count, value) for count in others for each in known):
        return True
    if fact.unit == "times" and _TIMES_AS.search(sentence):
        return any(b and a / b == value for a in evidence.raw for b in evidence.raw)
    if fact.unit and _DIFFERENCE.search(sentence) and any(abs(a - b) == value for a in known for b in known):
        return True
    if not fact.unit and value >= DIFFERENCE_MIN and _COMPARED.search(fact.text):
        return any(abs(a - b) == value for a in evidence.raw for b in evidence.raw)
    if _MEAN.search(sentence) and known and _is_about(sum(known, Decimal(0)) / len(known), value):
        return True
    if not _SUM.search(sentence):
        return False
    if sum(told_values, Decimal(0)) == value or any(a + b == value for a, b in pairwise(told_values)):
        return True
    same_unit = evidence.numbers.get(fact.unit, set()) if fact.unit else set[Decimal]()
    return any(a + b == value for a in same_unit for b in same_unit) or sum(same_unit, Decimal(0)) == value
