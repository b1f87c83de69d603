"""Where sentences end, and clauses inside them."""

import re
from collections.abc import Iterator

_BREAK = re.compile(r"(?<=[.!?…])(?P<tail>[\"'”’)\]]*+(?:[ \t]*+\[\d{1,3}\])*+)\s++|\n++")
_OPENING = re.compile(r"[\"'“‘(\[]?[^\W_a-z]|[*£$€#•|-]")
"""How a sentence begins: not with a small letter."""
_MARK_BEGUN = re.compile(r"\[\d{0,3}\Z")
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|approx|incl|no|vs|mr|mrs|ms|dr|st|min|max|p\.m|a\.m)\.$", re.IGNORECASE)
_ABBREVIATION_CHARACTERS_MAX = 8
_JOINT = re.compile(
    r"(?:[,;]\s*+|(?<!\s)\s++)(?:and then|and also|and|but also|but|also|plus|as well as)\s++(?=\S+\s+\S)|(?<=;)\s++",
    re.IGNORECASE,
)


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence, in order, without white space around it. A line ends a sentence; marks such as
    `[1]` after it belong to it."""
    start = 0
    for match in _BREAK.finditer(text):
        if "\n" not in match[0] and not _ends(text, match):
            continue
        yield from _stripped(text, start, match.end("tail") if match["tail"] is not None else match.start())
        start = match.end()
    yield from _stripped(text, start, len(text))


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text, in order."""
    return [text[start:end] for start, end in sentence_spans(text)]


def first_sentence_end(text: str) -> int | None:
    """Where the first sentence of text that is still being written ends, with the white space after it; None as long
    as what follows may belong to it."""
    for match in _BREAK.finditer(text):
        if not text[: match.end()].strip():
            continue
        if "\n" in match[0] or (
            match.end() < len(text) and not _MARK_BEGUN.match(text, match.end()) and _ends(text, match)
        ):
            return match.end()
    return None


def clauses(text: str) -> list[str]:
    """Sentences cut at 'and', 'also', ';': candidates for being requests of their own."""
    return [part for sentence in sentences(text) for piece in _JOINT.split(sentence) if (part := piece.strip(" ,;"))]


def _ends(text: str, match: re.Match[str]) -> bool:
    """Whether the sentence is over at the point: not after an abbreviation, and not before a small letter."""
    if match.end() < len(text) and _OPENING.match(text, match.end()) is None:
        return False
    if match["tail"]:
        return True
    at = match.start()
    return _ABBREVIATION.search(text[max(0, at - _ABBREVIATION_CHARACTERS_MAX) : at]) is None


def _stripped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end
