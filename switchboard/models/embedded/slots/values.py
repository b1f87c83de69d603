"""Values of a parameter that stand in a text literally: patterns, enums, dates, numbers, named examples."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from switchboard.models.embedded.json_types import is_list, is_object
from switchboard.models.embedded.phrasing import IGNORED_WORDS, content_stems
from switchboard.models.embedded.tools.profile import Parameter
from switchboard.text.dates import dates_in, months_in
from switchboard.text.quantities import NUMBER_WORDS
from switchboard.text.stems import stem
from switchboard.text.words import words

VALUES_MAX = 5
PATTERN_CHARACTERS_MAX = 300
_NUMBER = re.compile(r"(?<![\w-])[£$€]?(\d{1,9}(?:,\d{3})*(?:\.\d+)?)(?![\w-]*\d)")
_MYSELF = frozenset(("i", "i'm", "i've", "i'd", "i'll"))
"""Capitals that name nothing."""
_MONEY = frozenset(stem(word) for word in ("amount", "price", "cost", "money", "budget"))
_NEGATION = re.compile(r"\b(?:no|not|without|don't|never|un\w+)\b[^,.;]{0,20}$", re.IGNORECASE)


def values_in(parameter: Parameter, text: str, today: date, about: str | None = None) -> list[Any]:
    """Every value of the parameter that `text` states, in the order it states them; empty where it states none.

    `about` is the month that was spoken of before (see `months_in`).
    """
    schema = parameter.schema
    if is_list(schema.get("enum")) or "const" in schema:
        return _enumerated(schema.get("enum") or [schema["const"]], schema, text)
    kind = schema.get("type", "string")
    if kind == "array":
        items = schema.get("items")
        own = {"examples": schema["examples"]} if schema.get("examples") else {}
        inner = Parameter(parameter.name, {**own, **items} if is_object(items) else own, False)
        return values_in(inner, text, today)
    if kind == "boolean":
        return _boolean(parameter, text)
    if kind in ("integer", "number"):
        return _numbers(parameter, text, integer=kind == "integer")
    if is_month(parameter):
        return [month for month in months_in(text, today, about) if _allowed(schema, month)]
    if is_date(parameter):
        return [day for day in dates_in(text, today) if _allowed(schema, day)]
    if schema.get("pattern"):
        return _patterned(str(schema["pattern"]), text)
    return _named(schema, text)


def has_match(parameter: Parameter, text: str) -> bool:
    """Whether `text` holds something that only this parameter's pattern explains (an id, not a date)."""
    return has_pattern(parameter) and bool(_patterned(str(parameter.schema["pattern"]), text))


def has_pattern(parameter: Parameter) -> bool:
    """Whether its values are ids of a shape of their own."""
    return bool(parameter.schema.get("pattern")) and not is_month(parameter) and not is_date(parameter)


def names_example(parameter: Parameter, text: str) -> bool:
    """Whether `text` has one of the proper names that the schema gives as examples."""
    schema = parameter.schema
    items = schema.get("items")
    examples = [*(schema.get("examples") or ()), *((items.get("examples") or ()) if is_object(items) else ())]
    names = [example for example in examples if isinstance(example, str) and example[:1].isupper()]
    return bool(names) and bool(_named({"examples": names}, text))


def is_month(parameter: Parameter) -> bool:
    """A string that holds a month as `YYYY-MM`."""
    schema = parameter.schema
    if schema.get("type", "string") != "string":
        return False
    pattern = schema.get("pattern")
    if pattern:
        return _fits(str(pattern), "2026-09") and not _fits(str(pattern), "word")
    examples = [str(example) for example in schema.get("examples") or ()]
    return any(
        re.fullmatch(r"20\d\d-\d\d", example) for example in examples
    ) or "YYYY-MM" in parameter.description.replace("YYYY-MM-DD", "")


def is_date(parameter: Parameter) -> bool:
    """A string that holds a day as `YYYY-MM-DD`."""
    schema = parameter.schema
    pattern = schema.get("pattern")
    if pattern:
        return _fits(str(pattern), "2026-09-15") and not _fits(str(pattern), "word")
    examples = [str(example) for example in schema.get("examples") or ()]
    return schema.get("format") in ("date", "date-time") or any(
        re.fullmatch(r"20\d\d-\d\d-\d\d", example) for example in examples
    )


def _fits(pattern: str, value: str) -> bool:
    compiled = _compiled(pattern)
    return compiled is not None and compiled[0].fullmatch(value) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> tuple[re.Pattern[str], re.Pattern[str]] | None:
    """The pattern for whole values, and for finding them inside a text."""
    if len(pattern) > PATTERN_CHARACTERS_MAX:
        return None
    core = pattern.removeprefix("^").removesuffix("$")
    try:
        return re.compile(core, re.IGNORECASE), re.compile(rf"(?<![\w-])(?:{core})(?![\w-])", re.IGNORECASE)
    except re.error:
        return None


def _patterned(pattern: str, text: str) -> list[str]:
    compiled = _compiled(pattern)
    if compiled is None:
        return []
    found = [match.group(0).strip() for match in compiled[1].finditer(text) if match.group(0).strip()]
    strict = re.compile(pattern)
    values = [
        next((form for form in (value, value.upper(), value.lower()) if strict.search(form)), None) for value in found
    ]
    return list(dict.fromkeys(value for value in values if value is not None))[:VALUES_MAX]


def _allowed(schema: Mapping[str, Any], value: str) -> bool:
    pattern = schema.get("pattern")
    return not pattern or _fits(str(pattern), value)


def _enumerated(options: Sequence[Any], schema: Mapping[str, Any], text: str) -> list[Any]:
    synonyms = schema.get("x-synonyms")
    meant = content_stems(text)
    plain = [stem(word) for word in words(text)]
    found: list[tuple[int, Any]] = []
    for option in options:
        names = [str(option).replace("_", " ").replace("-", " ")]
        if is_object(synonyms):
            names += [str(name) for name in synonyms.get(option) or ()]
        position = min((place for name in names if (place := _position(name, meant, plain)) is not None), default=None)
        if position is not None:
            found.append((position, option))
    return [option for _, option in sorted(found, key=lambda item: item[0])][:VALUES_MAX]


def _position(name: str, meant: list[str], plain: list[str]) -> int | None:
    """Where all the words of `name` stand in the text; None where one is missing."""
    wanted = content_stems(name) or [stem(word) for word in words(name)]
    if not wanted or not all(each in plain or each in meant for each in wanted):
        return None
    return plain.index(wanted[0]) if wanted[0] in plain else 0


def _boolean(parameter: Parameter, text: str) -> list[bool]:
    named = set(content_stems(parameter.name.replace("_", " "))) - {stem("include")}
    for match in re.finditer(r"\w+", text):
        if stem(match.group(0).lower()) in named:
            return [_NEGATION.search(text[: match.start()]) is None]
    return []


def _numbers(parameter: Parameter, text: str, *, integer: bool) -> list[int | float]:
    """Numbers next to one of the parameter's own words come first."""
    named = set(content_stems(f"{parameter.name.replace('_', ' ')} {parameter.description}"))
    minimum, maximum = parameter.schema.get("minimum"), parameter.schema.get("maximum")
    scored: list[tuple[bool, int, int | float]] = []
    spelled = re.sub(
        rf"\b({'|'.join(NUMBER_WORDS)})\b", lambda m: str(NUMBER_WORDS[m.group(1).lower()]), text, flags=re.IGNORECASE
    )
    for match in _NUMBER.finditer(spelled):
        value: int | float = float(match.group(1).replace(",", ""))
        if integer and value != int(value):
            continue
        value = int(value) if integer or value == int(value) else value
        if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
            continue
        around = content_stems(spelled[max(0, match.start() - 30) : match.end() + 30])
        money = spelled[match.start()] in "£$€"
        near = bool(named & set(around)) or (money and bool(named & _MONEY))
        scored.append((not near, match.start(), value))
    near_ones = [value for far, _, value in sorted(scored, key=lambda item: item[:2]) if not far]
    if near_ones or not parameter.required:
        return near_ones[:VALUES_MAX]
    return [value for _, _, value in scored][:VALUES_MAX]


def _named(schema: Mapping[str, Any], text: str) -> list[str]:
    return named_examples([str(each) for each in schema.get("examples") or ()], text)


def named_examples(examples: Iterable[str], text: str) -> list[str]:
    """Examples that the text names, in the order in which they stand there; of two that overlap the longer one."""
    lowered = text.lower()
    found: list[tuple[int, str]] = []
    for example in sorted(examples, key=len, reverse=True):
        named = example.lower()
        match = re.search(rf"(?<!\w){re.escape(named)}(?!\w)", lowered) if named in lowered else None
        if match is not None:
            found.append((match.start(), example))
            lowered = lowered[: match.start()] + " " * len(example) + lowered[match.end() :]
    return list(dict.fromkeys(value for _, value in sorted(found)))[:VALUES_MAX]


def spans(text: str, vocabulary: Iterable[str]) -> list[str]:
    """Runs of words that belong neither to ordinary talk nor to the tool's own vocabulary: names, things, topics."""
    known = set(vocabulary)
    runs: list[list[str]] = [[]]
    for match in re.finditer(r"[^\s,;:?!\"“”()]+", text):
        word = match.group(0).strip(".'’")
        lowered = word.lower().replace("’", "'")
        capital = word[:1].isupper() and match.start() > 0 and lowered not in _MYSELF
        own = capital or any(character.isdigit() for character in word)
        if word and (own or (lowered not in IGNORED_WORDS and stem(lowered) not in known)):
            runs[-1].append(word)
        else:
            runs.append([])
    return [" ".join(run) for run in runs if run]
