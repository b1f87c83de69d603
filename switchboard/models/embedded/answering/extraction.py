"""Extracts from passages the sentences and steps that answer a question, or says that none do."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from switchboard.models.embedded.answering.units import NumberedPassage, PassageUnit, units_of
from switchboard.models.embedded.phrasing import content_stems
from switchboard.models.embedder import Embedder
from switchboard.text.sentences import sentences
from switchboard.text.stems import stem
from switchboard.text.words import stems, words

PASSAGES_MAX = 8
UNITS_MAX = 48
"""Sentences looked at per question: the rest has fewer words in common with it."""
ANSWER_CHARACTERS_MAX = 1_300
SECTION_CHARACTERS_MAX = 420
SENTENCES_MAX = 4
ROWS_MAX = 6
"""Rows of a table that are told."""
SUPPORT_MIN = 0.56
UNKNOWN_NAME_COST = 0.25
COMPLAINT_BONUS = 0.05
ASKED_COVERAGE_MIN = 0.2
STRANGE_RARITY_MIN = 0.95
_EXPECTED = (
    (
        re.compile(r"\b(?:how (?:long|soon|quickly|fast|often)|when|what time|deadline)\b", re.IGNORECASE),
        re.compile(r"\b(?:\d+|one|two|three|a few)(?: working| business| full| whole)? (?:second|minute|hour|day|week|month|year)s?\b|\bat once\b|\bimmediately\b|\b\d{1,2}:\d\d\b|\bthe same day\b|\bdaily\b", re.IGNORECASE),
    ),
    (
        re.compile(r"\b(?:how much|cost|costs|price|fee|fees|charges?|expensive)\b", re.IGNORECASE),
        re.compile(r"[£$€]\s?\d|\b\d+ ?%|\bfree\b|\bno (?:charge|fee|cost)\b", re.IGNORECASE),
    ),
    (re.compile(r"\bhow (?:many|old|big|large|far)\b", re.IGNORECASE), re.compile(r"\d|\b(?:one|two|three|four|five|six|ten)\b", re.I)),
)  # fmt: skip
"""What a question asks for, and what an answer to it looks like."""
EXPECTED_BONUS = 0.10
_ASKS = re.compile(r"\?|^(?:how|what|who|which|where|when|why|is|are|do|does|can)\b", re.IGNORECASE)
_PROCEDURAL = re.compile(
    r"\b(?:how (?:do|can|should|to)|steps?|fix|set ?up|reset|restart|change|what (?:should|can|do) i do|not work|doesn't|won't|can't|cannot|"
    r"broken|stopp\w+|keeps?|blink\w*|flash\w*|no (?:internet|signal|connection))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Extract:
    text: str
    support: float
    """How well the passages answer, 0 to about 1."""


class Extractor:
    """Works on embeddings; a passage's sentences are embedded once and cached."""

    def __init__(self, embedder: Embedder, rarity: Callable[[str], float]) -> None:
        """`rarity` of a word is 0 for the most common and 1 for unknown ones."""
        self._embedder = embedder
        self._rarity = rarity

    async def extract(self, question: str, sources: Sequence[NumberedPassage]) -> Extract:
        """The best answer the passages hold, with its `[n]`; support 0 and no text where there is none."""
        sources = sources[:PASSAGES_MAX]
        return await self._extract(
            question, sources, [unit for index, source in enumerate(sources) for unit in units_of(index, source)]
        )

    async def _extract(
        self, question: str, sources: Sequence[NumberedPassage], units: Sequence[PassageUnit]
    ) -> Extract:
        units = self._narrowed(question, units)
        if not units:
            return Extract("", 0.0)
        heads = [_head(sources[unit.source], unit) for unit in units]
        vectors = await self._embedder.embed([question, *(unit.meaning for unit in units), *heads])
        query, own, context = vectors[0], vectors[1 : len(units) + 1], vectors[len(units) + 1 :]
        alone, around = own @ query, context @ query
        overlap = np.array(
            [
                self._coverage(question, f"{sources[unit.source].title} {head} {unit.shown}")
                for head, unit in zip(heads, units, strict=True)
            ]
        )
        rank = np.array([0.02 * (PASSAGES_MAX - unit.source) / PASSAGES_MAX for unit in units])
        scores = 0.35 * alone + 0.40 * around + 0.25 * overlap + rank
        if _PROCEDURAL.search(question):
            scores = scores + np.array([0.05 if unit.steps else 0.0 for unit in units])
        scores = scores + np.array([_as_expected(question, unit.shown) for unit in units])
        best = int(np.argmax(scores))
        support = self._support(
            question, sources, units[best], float(max(alone[best], around[best])), float(overlap[best])
        )
        return Extract(_written(sources, units, scores, best, _PROCEDURAL.search(question) is not None), support)

    async def section(self, question: str, source: NumberedPassage) -> str:
        """What one passage says, with its `[n]`: all of a short one, else what of it is nearest to the question."""
        units = [await self._with_rows_for(question, unit) for unit in units_of(0, source)]
        if sum(len(unit.shown) for unit in units) <= SECTION_CHARACTERS_MAX:
            return _joined([source], units, range(len(units)))
        return (await self._extract(question, [source], units)).text

    async def _with_rows_for(self, question: str, unit: PassageUnit) -> PassageUnit:
        """Of a long table the rows that are nearest to the question, in their order."""
        if not unit.is_table or len(unit.steps) <= ROWS_MAX:
            return unit
        vectors = await self._embedder.embed([question, *unit.steps])
        likeness = vectors[1:] @ vectors[0] + [self._coverage(question, row) for row in unit.steps]
        kept = sorted(sorted(range(len(unit.steps)), key=lambda row: -likeness[row])[:ROWS_MAX])
        return replace(unit, steps=tuple(unit.steps[row] for row in kept))

    def _support(
        self, question: str, sources: Sequence[NumberedPassage], best: PassageUnit, likeness: float, overlap: float
    ) -> float:
        source = sources[best.source]
        everything = stems(f"{source.title} {source.text}")
        strange = [word for word in _names(question) if stem(word.lower()) not in everything]
        # A name in a complaint ('does not work in Spain') is often beside the point; in a question it is the point.
        # For a complaint the nearest advice is better than none, and it is longer than a question.
        asks = is_question(question)
        cost = UNKNOWN_NAME_COST if asks else 0.3 * UNKNOWN_NAME_COST
        return (
            (0.0 if asks else COMPLAINT_BONUS)
            + 0.6 * likeness
            + 0.4 * overlap
            - cost * min(2, len(strange) or self._is_off_the_point(question, source))
        )

    def _is_off_the_point(self, question: str, source: NumberedPassage) -> bool:
        """The passage knows what the question names, and nothing of what it asks about that: 'Who designed the Hub 2?'."""
        names = {stem(word.lower()) for name in _names(question) for word in words(name)}
        asked = " ".join(word for word in words(question) if stem(word) not in names)
        if not names or not is_question(question) or not content_stems(asked):
            return False
        return self._coverage(asked, f"{source.title} {source.text}") < ASKED_COVERAGE_MIN

    def strange_words(self, question: str, known: Iterable[str]) -> list[str]:
        """Rare words of the question that no text of `known` has: 'bitcoin' where all is about direct debits."""
        there = {stem(word) for text in known for word in words(text)}
        return [
            word
            for word in words(question)
            if word.isalpha() and self._rarity(word) >= STRANGE_RARITY_MIN and stem(word) not in there
        ]

    def _coverage(self, question: str, text: str) -> float:
        """Share of the question's meaning that `text` has literally, rare words counting more."""
        asked = {stem(word): 0.25 + self._rarity(word) for word in words(question)}
        meant = {each: asked.get(each, 0.5) for each in set(content_stems(question))}
        if not meant:
            return 0.0
        there = stems(text)
        return sum(weight for each, weight in meant.items() if each in there) / sum(meant.values())

    def _narrowed(self, question: str, units: Sequence[PassageUnit]) -> Sequence[PassageUnit]:
        if len(units) <= UNITS_MAX:
            return units
        ranked = sorted(
            range(len(units)),
            key=lambda index: (-self._coverage(question, f"{units[index].heading} {units[index].shown}"), index),
        )
        return [units[index] for index in sorted(ranked[:UNITS_MAX])]


def _head(source: NumberedPassage, unit: PassageUnit) -> str:
    """The nearest heading: articles often ask there what they answer below."""
    return unit.heading or source.title.rsplit(" › ", 1)[-1]


def is_question(text: str) -> bool:
    """It asks, and does not only tell or complain."""
    return _ASKS.search(text) is not None


def _written(
    sources: Sequence[NumberedPassage], units: Sequence[PassageUnit], scores: np.ndarray, best: int, procedural: bool
) -> str:
    """The best unit with what belongs to it, in the passage's order, cited."""
    chosen = {best}
    home = [
        i for i, unit in enumerate(units) if (unit.source, unit.section) == (units[best].source, units[best].section)
    ]
    prose = [i for i in home if not units[i].steps]
    if sum(len(units[i].text) for i in prose) <= SECTION_CHARACTERS_MAX:
        chosen.update(prose[:SENTENCES_MAX])
    else:
        near = sorted(prose, key=lambda i: (-scores[i], i))[: SENTENCES_MAX - 1]
        chosen.update(i for i in near if scores[i] >= 0.8 * scores[best])
    if procedural or units[best].steps:
        chosen.update(i for i in home if units[i].steps)
    if procedural and not any(units[i].steps for i in chosen):
        chosen.update(_steps_of_article(sources, units, scores, best))
    else:
        others = [
            i for i in range(len(units)) if i not in home and scores[i] >= 0.95 * scores[best] and not units[i].steps
        ]
        chosen.update(sorted(others, key=lambda i: (-scores[i], i))[:1])
    return _joined(sources, units, _within_bounds(units, scores, chosen, best))


def _steps_of_article(
    sources: Sequence[NumberedPassage], units: Sequence[PassageUnit], scores: np.ndarray, best: int
) -> list[int]:
    """The steps that the best section's article gives elsewhere: what a light means is not yet how to mend it."""
    article = sources[units[best].source].title.split(" › ")[0]
    listed = [
        i
        for i, unit in enumerate(units)
        if unit.steps and sources[unit.source].title.split(" › ")[0] == article and scores[i] >= 0.6 * scores[best]
    ]
    chosen = sorted(listed, key=lambda i: (-scores[i], i))[:1]
    before = chosen[0] - 1 if chosen else -1
    if before >= 0 and (units[before].source, units[before].section) == (
        units[chosen[0]].source,
        units[chosen[0]].section,
    ):
        chosen.append(before)
    return chosen


def _as_expected(question: str, text: str) -> float:
    bonus = 0.0
    for asked, shown in _EXPECTED:
        if asked.search(question):
            bonus = max(bonus, EXPECTED_BONUS) if shown.search(text) else bonus
    return bonus


def _within_bounds(units: Sequence[PassageUnit], scores: np.ndarray, chosen: set[int], best: int) -> list[int]:
    kept: list[int] = []
    length = 0
    for i in [best, *sorted(chosen - {best}, key=lambda i: (-scores[i], i))]:
        if kept and length + len(units[i].shown) > ANSWER_CHARACTERS_MAX:
            continue
        kept.append(i)
        length += len(units[i].shown)
    # The best passage speaks first; inside a passage the order is its own.
    return sorted(kept, key=lambda i: (units[i].source != units[best].source, i))


def _joined(sources: Sequence[NumberedPassage], units: Sequence[PassageUnit], kept: Sequence[int]) -> str:
    blocks: list[str] = []
    previous: PassageUnit | None = None
    for position, i in enumerate(kept):
        unit = units[i]
        following = units[kept[position + 1]] if position + 1 < len(kept) else None
        mark = f" [{sources[unit.source].n}]"
        if unit.steps:
            lead = unit.text if unit.text.endswith((":", ".", "?", "!")) else f"{unit.text}:"
            blocks.append("\n".join([f"{lead}{mark}", *unit.steps]))
        else:
            same = following is not None and following.source == unit.source and not following.steps
            text = unit.text + ("" if same and following is not None and following.section == unit.section else mark)
            if (
                previous is not None
                and not previous.steps
                and previous.source == unit.source
                and previous.section == unit.section
            ):
                blocks[-1] = f"{blocks[-1]} {text}"
            else:
                blocks.append(text)
        previous = unit
    return "\n\n".join(blocks)


def _names(text: str) -> list[str]:
    """Words that name something in particular: capitalised inside a sentence, or with digits in them."""
    found: list[str] = []
    for sentence in sentences(text):
        for position, match in enumerate(re.finditer(r"[\w'-]+", sentence)):
            word = match.group(0)
            if (any(c.isdigit() for c in word) or (position and word[0].isupper())) and word.lower() not in (
                "i",
                "i'm",
                "i've",
                "i'd",
                "i'll",
            ):
                found.append(word)
    return found
