"""Text as evaluators compare it: plain form, statements, content words, figures. Pure and deterministic."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

_MARK: Final = re.compile(r"\s*\[(\d{1,3})\]")
_STATEMENT: Final = re.compile(r"[^\n]+?(?:[.!?…](?=(?:\s*\[\d{1,3}\])*(?:\s|$))(?:\s*\[\d{1,3}\])*|(?=\n|$))")
_FIGURE: Final = re.compile(r"\d+(?:\.\d+)?")
_WORD: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_TYPOGRAPHY: Final = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "\u00a0": " "}
)
_WORDS_STOPPED: Final = """
a about after all also am an and any are as at be been before but by can could did do does for from had has
have here how i if in into is it its just me more my no not of on one or our out so some such than that the
their them then there these they this those to too up us was we were what when where which who why will with
would you your please yes yeah nope ok okay sure thanks thank
"""
_STOP: Final = frozenset(_WORDS_STOPPED.split())
_ENDINGS: Final = ("ations", "ation", "ings", "ing", "edly", "ied", "ies", "ed", "es", "ly", "s")


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
    text = text.translate(_TYPOGRAPHY).lower()
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    return " ".join(re.sub(r"[*_`#>|]+", " ", text).split())


def holds(text: str, fact: str) -> bool:
    """Whether `fact` stands in `text` as whole words and figures: `5 GB` does not stand in `25 GB`.

    `/…/` is searched as a regular expression in the text as it is, without regard to case.
    """
    if len(fact) > 2 and fact.startswith("/") and fact.endswith("/"):
        return re.search(fact[1:-1], text.translate(_TYPOGRAPHY), re.IGNORECASE) is not None
    wanted = plain(fact)
    before = r"(?<![\w£.-])" if wanted[:1].isalnum() and wanted[:1].isdigit() else r"(?<!\w)"
    after = r"(?![\w]|\.\d)" if wanted[-1:].isalnum() else ""
    return re.search(f"{before}{re.escape(wanted)}{after}", plain(_MARK.sub("", text))) is not None


def statements(text: str) -> list[Statement]:
    """The sentences and lines of an answer. A mark alone belongs to the statement before it."""
    found: list[Statement] = []
    for match in _STATEMENT.finditer(text):
        cites = frozenset(int(n) for n in _MARK.findall(match[0]))
        words = _MARK.sub("", match[0]).strip()
        if re.search(r"[A-Za-z]", words):
            found.append(Statement(words, cites))
        elif cites and found:
            found[-1] = Statement(found[-1].text, found[-1].cites | cites)
    return found


def marks(text: str) -> set[int]:
    """The numbers `[n]` that stand in a text."""
    return {int(n) for n in _MARK.findall(text)}


def content_words(text: str) -> set[str]:
    """The stems of the words that carry meaning."""
    return {_stem(word) for word in _WORD.findall(plain(text)) if word not in _STOP and len(word) > 1}


def figures(text: str) -> set[Decimal]:
    """Every number in a text by its value: `£47.20` and `47.2` are the same."""
    return {Decimal(found).normalize() for found in _FIGURE.findall(plain(_MARK.sub("", text)))}


def figures_of(texts: Iterable[str]) -> set[Decimal]:
    return {figure for text in texts for figure in figures(text)}


def words_of(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in content_words(text)}


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)].rstrip("e")
    return word.rstrip("e") if len(word) > 3 else word
