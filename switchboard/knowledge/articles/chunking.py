"""Where to cut Markdown: sections by heading, blocks kept whole while they fit."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, cast

from switchboard.text.sentences import sentence_spans

CHUNK_CHARACTERS_MAX = 1_200
"""About 250 tokens: what MiniLM reads at once."""

LINE_END = re.compile(r"\r\n|\r|\n")

Span = tuple[int, int]


def spans_of(text: str) -> Iterator[tuple[str, int, int]]:
    """Heading path (outermost first, joined by ` › `), start and end of each chunk, in order, without white space
    around it. No chunk holds text of two sections, or is longer than CHUNK_CHARACTERS_MAX."""
    for heading, blocks in _sections(text):
        for start, end in _packed(piece for block in blocks for piece in block):
            yield heading, start, end


def _sections(text: str) -> Iterator[tuple[str, list[list[Span]]]]:
    """Heading path and blocks of each section; a block is what may be cut only at its pieces."""
    tokens = _parser().parse(text)
    lines = [0, *(match.end() for match in LINE_END.finditer(text)), len(text)]
    path: list[tuple[int, str]] = []
    blocks: list[list[Span]] = []
    for place, token in enumerate(tokens):
        if token.level or token.map is None or token.nesting < 0:
            continue
        if token.type == "heading_open":
            if blocks:
                yield " › ".join(name for _, name in path), blocks
            blocks = []
            level = int(token.tag[1:])
            title = " ".join(tokens[place + 1].content.split())
            path = [above for above in path if above[0] < level] + [(level, title)]
        else:
            blocks.append(list(_pieces(text, lines, tokens, place)))
    if blocks:
        yield " › ".join(name for _, name in path), blocks


def _pieces(text: str, lines: Sequence[int], tokens: Sequence[Any], place: int) -> Iterator[Span]:
    """The block, or where it is too long its list items, else its sentences."""
    for start, end in _stripped(text, *_span(lines, tokens[place])):
        if end - start <= CHUNK_CHARACTERS_MAX:
            yield start, end
            continue
        at = start
        for item in _items(tokens, place):
            item_span = _span(lines, item)
            for item_start, item_end in _stripped(text, max(at, item_span[0]), item_span[1]):
                if item_start < end:
                    yield from _sentences(text, item_start, min(item_end, end))
                    at = min(item_end, end)
        yield from _sentences(text, at, end)


def _items(tokens: Sequence[Any], place: int) -> Iterator[Any]:
    if tokens[place].type not in ("bullet_list_open", "ordered_list_open"):
        return
    for token in tokens[place + 1 :]:
        if token.level == 0:
            return
        if token.level == 1 and token.type == "list_item_open":
            yield token


def _sentences(text: str, start: int, end: int) -> Iterator[Span]:
    if end - start > CHUNK_CHARACTERS_MAX:
        for sentence_start, sentence_end in sentence_spans(text[start:end]):
            yield from _short(text, start + sentence_start, start + sentence_end)
        return
    yield from _short(text, start, end)


def _short(text: str, start: int, end: int) -> Iterator[Span]:
    for at in range(start, end, CHUNK_CHARACTERS_MAX):
        yield from _stripped(text, at, min(end, at + CHUNK_CHARACTERS_MAX))


def _packed(pieces: Iterator[Span]) -> Iterator[Span]:
    """Joins neighbours while they fit into one chunk."""
    opened: int | None = None
    closed = 0
    for start, end in pieces:
        if opened is not None and end - opened > CHUNK_CHARACTERS_MAX:
            yield opened, closed
            opened = None
        opened = start if opened is None else opened
        closed = end
    if opened is not None:
        yield opened, closed


def _span(lines: Sequence[int], token: Any) -> Span:
    first, last = cast(tuple[int, int], token.map)
    return lines[min(first, len(lines) - 1)], lines[min(last, len(lines) - 1)]


def _stripped(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end


@cache
def _parser() -> Any:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")
