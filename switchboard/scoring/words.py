"""Text as evaluators compare it: plain form, statements, content words, figures. Pure and deterministic."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from switchboard.text.sentences import sentences
from switchboard.text.spaces import straightened
from switchboard.text.words import content_stems

_MARK: Final = re.compile(r"(?<!\s)\s*+\[(\d{1,3})\]")
_FIGURE: Final = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence or a line of an answer, without its marks; `cites` are the numbers that stand behind it."""

    text: str
    cites: frozenset[int]

    @property
    def is_question(self) -> bool:
        return self.text.rstrip("*_ )\"'").endswith("?")


def plain(text: str) -> str:
    """Lower case, straight quotes and dashes, no Markdown, no thousands commas, one space between words."""
    text = straightened(text).lower()
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    return " ".join(re.sub(r"[*_`#>|]+", " ", text).split())


def holds(text: str, fact: str) -> bool:
    """Whether `fact` stands in `text` as whole words and figures: `5 GB` does not stand in `25 GB`.

    `/…/` is searched as a regular expression in the text as it is, without regard to case.
    """
    if len(fact) > 2 and fact.startswith("/") and fact.endswith("/"):
        return re.search(fact[1:-1], straightened(text), re.IGNORECASE) is not None
    wanted = plain(fact)
    before = r"(?<![\w£.-])" if wanted[:1].isalnum() and wanted[:1].isdigit() else r"(?<!\w)"
    after = r"(?![\w]|\.\d)" if wanted[-1:].isalnum() else ""
    return re.search(f"{before}{re.escape(wanted)}{after}", plain(_MARK.sub("", text))) is not None


def statements(text: str) -> list[Statement]:
    """The sentences and lines of an answer. A mark alone belongs to the statement before it."""
    found: list[Statement] = []
    for sentence in sentences(text):
        cites = frozenset(int(n) for n in _MARK.findall(sentence))
        words = _MARK.sub("", sentence).strip()
        if re.search(r"[A-Za-z]", words):
            found.append(Statement(words, cites))
        elif cites and found:
            found[-1] = Statement(found[-1].text, found[-1].cites | cites)
    return found


def marks(text: str) -> set[int]:
    """The numbers `[n]` that stand in a text."""
    return {int(n) for n in _MARK.findall(text)}


def content_words(text: str) -> set[str]:
    """The stems of the words that carry meaning; figures are compared apart."""
    return {each for each in content_stems(plain(text)) if not each[0].isdigit()}


def figures(text: str) -> set[Decimal]:
    """Every number in a text by its value: `£47.20` and `47.2` are the same."""
    return {Decimal(found).normalize() for found in _FIGURE.findall(plain(_MARK.sub("", text)))}


def figures_of(texts: Iterable[str]) -> set[Decimal]:
    return {figure for text in texts for figure in figures(text)}


def words_of(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in content_words(text)}
