"""Marks of passages in an answer: `[2]` whatever way a model writes it, none of a passage that does not exist, one where it
was forgotten."""

import re
from collections.abc import Collection, Iterable, Sequence

from switchboard.contracts.tools import Passage
from switchboard.text.stems import stem
from switchboard.text.words import content_terms

CITED_COVERAGE_MIN = 0.6
"""Of a sentence's content words that a passage holds, for its mark to be added."""
CLAIM_WORDS_MIN = 3
"""Fewer words that say something claim nothing: 'Certainly.', 'Here is how:'."""

MARK = re.compile(r"\[\d{1,3}\]")
_WRITTEN = re.compile(
    r"[ \t]?(?:\[\^?(?P<list>\d{1,3}(?:[ ]?[,;][ ]?\^?\d{1,3}){0,9})\]|【(?P<lenticular>\d{1,3})(?:[:†][^】\n]{0,60})?】)(?!\()"
)
_NUMBER = re.compile(r"\d{1,3}")


def with_plain_marks(text: str, known: Collection[int]) -> str:
    """`[2, 3]`, `[^2]`, `【2】` and `【2†source】` as `[2][3]`; marks of numbers that are not `known` are taken out with the
    space before them."""

    def plain(match: re.Match[str]) -> str:
        space = match[0][: len(match[0]) - len(match[0].lstrip(" \t"))]
        numbers = [int(n) for n in _NUMBER.findall(match["list"] or match["lenticular"])]
        marks = "".join(f"[{n}]" for n in numbers if n in known)
        return f"{space}{marks}" if marks else ""

    return _WRITTEN.sub(plain, text)


def with_citation(sentence: str, passages: Sequence[Passage]) -> str:
    """The sentence with the mark of the passage that it was taken from, where the model forgot it."""
    stems = _stems([sentence])
    if MARK.search(sentence) or len(stems) < CLAIM_WORDS_MIN or sentence.rstrip().endswith(("?", ":")):
        return sentence
    best, coverage = None, CITED_COVERAGE_MIN
    for passage in passages:
        share = len(stems & _stems([passage.title, passage.text])) / len(stems)
        if share > coverage or (best is None and share >= coverage):
            best, coverage = passage, share
    if best is None:
        return sentence
    body = sentence.rstrip()
    end = body[-1] if body[-1] in ".!" else ""
    return f"{body[: len(body) - len(end)]} [{best.n}]{end}{sentence[len(body) :]}"


def _stems(texts: Iterable[str]) -> set[str]:
    return {stem(word) for text in texts for word in content_terms(MARK.sub("", text)) if not word.isdigit()}
