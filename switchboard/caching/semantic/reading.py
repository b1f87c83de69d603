"""What the guards and the verifier read in a question, computed once a text."""

import itertools
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from switchboard.caching.semantic import lexicon
from switchboard.text.stems import stem

QuestionKind = Literal["time", "amount", "count", "frequency", "place", "person", "reason", "method"]

TEXT_CHARACTERS_MAX = 4_000
"""Longer texts are not read; they are no questions that repeat."""

_TOKEN = re.compile(r"[a-z]+(?:-[a-z]+)*|[£$€¥%]|\d+(?:[.,:/-]\d+)*")
_IDENTIFIER = re.compile(r"\b(?=\w*[A-Za-z])(?=\w*\d)\w+(?:[-_./]\w+)*|\b[A-Za-z]{2,}(?:[-_]\w+)*[-_]\d[\w-]*")
_ADDRESS = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++|https?://\S+|\bwww\.\S+", re.IGNORECASE)
_MEASURE = re.compile(r"(\d+(?:[.,]\d+)*)\s?(k|[a-z]{1,7}|%)?\b", re.IGNORECASE)
_ORDINAL = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b", re.IGNORECASE)
_CAPITALISED = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][A-Za-z'’-]*")
_MAY = re.compile(
    r"\b(?:\d{1,2}(?:st|nd|rd|th)?|in|of|since|until|by|last|next|this)\s+may\b|\bmay\s+\d", re.IGNORECASE
)

_KIND_PATTERNS: tuple[tuple[QuestionKind, str], ...] = (
    ("count", r"\bhow many\b|\bnumber of\b"),
    ("frequency", r"\bhow (?:often|frequently)\b"),
    ("time", r"\bhow (?:long|soon|fast|quickly)\b|\bwhen\b(?! i\b)|\bwhat (?:time|date|day)\b|\bhow much (?:time|longer)\b"),
    ("amount", r"\bhow much\b(?! (?:time|longer))|\bhow (?:expensive|high|large|big)\b|\bwhat (?:is|are|does|do|will|would)\b.{0,120}\b(?:price|cost|costs|fee|fees|charge|rate)\b"),
    ("place", r"\bwhere\b|\bwhich (?:country|countries|place|shop|store)\b"),
    ("person", r"\bwho\b|\bwhom\b"),
    ("reason", r"\bwhy\b|\bhow come\b|\breason\b|\bwhat (?:caused|causes)\b|\bwhat is causing\b"),
    ("method", r"\bhow (?:do|can|to|should|could|would|might|shall|must|is|are|does|did)\b|\bway to\b|\bsteps\b|\bprocess\b|\binstructions\b"),
)  # fmt: skip
_KINDS: list[tuple[QuestionKind, re.Pattern[str]]] = [(kind, re.compile(pattern)) for kind, pattern in _KIND_PATTERNS]
_PHRASES = tuple((re.compile(pattern), plain) for pattern, plain in lexicon.PHRASES)


@dataclass(frozen=True, slots=True)
class Reading:
    """One text, read. Sets hold canonical forms, so that '5 GB' and 'five gigabytes' read the same."""

    text: str
    tokens: tuple[str, ...]
    stems: frozenset[str]
    wording: tuple[str, ...]
    """Stems, sorted, after ways of saying the same are rewritten to one: equal wordings ask the same."""
    content: frozenset[str]
    """Stems of the words that carry meaning."""
    bigrams: frozenset[tuple[str, str]]
    trigrams: frozenset[str]
    numbers: tuple[str, ...]
    units: frozenset[str]
    identifiers: frozenset[str]
    dates: frozenset[str]
    variants: frozenset[str]
    names: frozenset[str]
    """Capitalised words inside a sentence, lower-cased."""
    known_names: frozenset[str]
    """Names out of the deployment's own list."""
    negations: int
    kinds: frozenset[QuestionKind]
    moves: frozenset[tuple[str, str]]
    """('from' or 'to', the stem that follows it)."""
    prepositions: frozenset[str]
    modals: frozenset[str]
    persons: frozenset[int]
    is_question: bool


def read(text: str, known_names: Collection[str] = ()) -> Reading:
    """Reads the first `TEXT_CHARACTERS_MAX` characters of `text`. `known_names` are lower-case."""
    text = " ".join(text[:TEXT_CHARACTERS_MAX].replace("’", "'").replace("`", "'").split())
    addresses = frozenset(match.group(0).lower().rstrip(".,") for match in _ADDRESS.finditer(text))
    plain = _ADDRESS.sub(" ", text)
    numbers, units, identifiers, rest = _figures(plain)
    tokens = tuple(_tokens(rest))
    stems = tuple(stem(token) for token in tokens)
    number_words = [lexicon.NUMBER_WORDS[token] for token in tokens if token in lexicon.NUMBER_WORDS]
    lowered = " ".join(tokens)
    padded = f" {lowered} "
    kinds: frozenset[QuestionKind] = frozenset(kind for kind, pattern in _KINDS if pattern.search(lowered))
    return Reading(
        text=text,
        tokens=tokens,
        stems=frozenset(stems),
        wording=_wording(lowered),
        content=frozenset(s for t, s in zip(tokens, stems, strict=True) if t not in lexicon.FUNCTION_WORDS),
        bigrams=frozenset(itertools.pairwise(stems)),
        trigrams=frozenset(padded[i : i + 3] for i in range(len(padded) - 2)),
        numbers=tuple(sorted(numbers + number_words)),
        units=frozenset(units) | frozenset(lexicon.UNITS[token] for token in tokens if token in lexicon.UNITS),
        identifiers=identifiers | addresses,
        dates=_dates(tokens, text),
        variants=frozenset(token for token in tokens if token in lexicon.VARIANTS or token in lexicon.PLACES),
        names=_names(rest),
        known_names=frozenset(name for name in known_names if f" {name} " in f" {lowered} " or name in text.lower()),
        negations=sum(token in lexicon.NEGATIONS for token in tokens),
        kinds=kinds,
        moves=_moves(tokens, stems),
        prepositions=frozenset(token for token in tokens if token in lexicon.PREPOSITIONS),
        modals=frozenset(token for token in tokens if token in lexicon.MODALS),
        persons=frozenset(lexicon.PERSONS[token] for token in tokens if token in lexicon.PERSONS),
        is_question="?" in text or bool(kinds) or _asks(tokens),
    )


def _tokens(text: str) -> list[str]:
    lowered = text.lower()
    for short, full in lexicon.CONTRACTIONS.items():
        lowered = lowered.replace(short, full)
    found: list[str] = []
    for token in _TOKEN.findall(lowered):
        if token in lexicon.BARE_NEGATIONS:
            found += [token.removesuffix("nt"), "not"] if token not in ("cant", "wont") else ["can", "not"]
        elif token[0].isdigit():
            continue
        else:
            found += token.split("-")
    return found


def _figures(text: str) -> tuple[list[str], list[str], frozenset[str], str]:
    """Numbers, units and identifiers of `text`, and what is left of it."""
    numbers: list[str] = []
    units: list[str] = []
    identifiers: set[str] = set()

    def ordinal(match: re.Match[str]) -> str:
        numbers.append({"1": "1st", "2": "2nd", "3": "3rd"}.get(match.group(1), f"{match.group(1)}th"))
        return " "

    def measure(match: re.Match[str]) -> str:
        word = (match.group(2) or "").lower()
        if word and word not in lexicon.UNITS and word != "k" and match.end(1) == match.start(2):
            return match.group(0)
        value = match.group(1).rstrip(".,").replace(",", "")
        value = value.rstrip("0").rstrip(".") if "." in value else value.lstrip("0") or "0"
        numbers.append(value + ("000" if word == "k" else ""))
        if word in lexicon.UNITS:
            units.append(lexicon.UNITS[word])
            return " "
        return f" {match.group(2) or ''} " if word != "k" else " "

    rest = _ORDINAL.sub(ordinal, text)
    kept: list[str] = []
    at = 0
    for match in _IDENTIFIER.finditer(rest):
        if _MEASURE.fullmatch(match.group(0)) and _measured(match.group(0)):
            continue
        identifiers.add(match.group(0).lower())
        kept += [_MEASURE.sub(measure, rest[at : match.start()]), " "]
        at = match.end()
    kept.append(_MEASURE.sub(measure, rest[at:]))
    return numbers, units, frozenset(identifiers), "".join(kept)


def _measured(text: str) -> bool:
    match = _MEASURE.fullmatch(text)
    word = (match.group(2) or "").lower() if match else ""
    return word in lexicon.UNITS or word == "k"


def _wording(lowered: str) -> tuple[str, ...]:
    for pattern, plain in _PHRASES:
        lowered = pattern.sub(plain, lowered)
    return tuple(sorted(stem(word) for word in lowered.split()))


def _dates(tokens: tuple[str, ...], text: str) -> frozenset[str]:
    found = {lexicon.DATES[token] for token in tokens if token in lexicon.DATES}
    if _MAY.search(text):
        found.add("may")
    for mark, word in itertools.pairwise(tokens):
        if mark in lexicon.PERIOD_MARKS and lexicon.UNITS.get(word) in ("day", "week", "month", "quarter", "year"):
            found.add(f"{mark} {lexicon.UNITS[word]}")
    return frozenset(found)


def _names(text: str) -> frozenset[str]:
    letters = [character for character in text if character.isalpha()]
    if not letters or sum(character.isupper() for character in letters) > len(letters) / 2:
        return frozenset()  # written in capitals: they say nothing
    found = (match.group(0).lower().replace("’", "'") for match in _CAPITALISED.finditer(text))
    words = (name.split("'")[0] for name in found)
    return frozenset(word for word in words if word not in lexicon.FUNCTION_WORDS)


def _moves(tokens: tuple[str, ...], stems: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for index, token in enumerate(tokens):
        if token not in ("from", "to"):
            continue
        after = next(
            (s for t, s in zip(tokens[index + 1 :], stems[index + 1 :], strict=True) if t not in _SKIPPED), None
        )
        if after is not None:
            found.add((token, after))
    return frozenset(found)


_SKIPPED = frozenset(["a", "an", "the", "my", "your", "our", "their", "his", "her", "its", "this", "that"])


def _asks(tokens: tuple[str, ...]) -> bool:
    return bool(tokens) and tokens[0] in frozenset(
        ["can", "is", "are", "do", "does", "will", "could", "would", "did", "may", "what", "which"]
    )
