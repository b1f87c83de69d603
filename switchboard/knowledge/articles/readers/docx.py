"""DOCX to Markdown, by python-docx: headings, paragraphs, lists and tables in their order."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from switchboard.knowledge.articles.readers.html import Text

UNPACKED_BYTES_MAX = 200_000_000
HEADING = re.compile(r"^heading (\d)$", re.IGNORECASE)


def read(path: Path) -> Text:
    """Raises `ValueError` for a file that unpacks to too much, or what the parser raises."""
    from docx import Document

    with zipfile.ZipFile(path) as packed:
        if sum(entry.file_size for entry in packed.infolist()) > UNPACKED_BYTES_MAX:
            raise ValueError("it unpacks to more than 200 MB")
    document: Any = Document(str(path))
    blocks = list(_blocks(document))
    properties = document.core_properties
    language = str(properties.language or "").split("-")[0].lower()
    return Text("\n\n".join(blocks) + "\n", str(properties.title or "").strip(), language)


def _blocks(document: Any) -> Iterator[str]:
    items: list[str] = []
    for each in document.iter_inner_content():
        style = str(each.style.name or "") if each.style is not None else ""
        text = " ".join(each.text.split()) if hasattr(each, "text") else ""
        if style.startswith("List") and text:
            items.append(f"{'1.' if 'Number' in style else '-'} {text}")
            continue
        if items:
            yield "\n".join(items)
            items = []
        if hasattr(each, "rows"):
            yield from _table(each)
        elif text:
            heading = HEADING.match(style)
            level = 1 if style == "Title" else min(6, int(heading[1])) if heading else 0
            yield f"{'#' * level} {text}" if level else text
    if items:
        yield "\n".join(items)


def _table(table: Any) -> Iterator[str]:
    rows = [[" ".join(cell.text.split()).replace("|", "/") for cell in row.cells] for row in table.rows]
    rows = [row for row in rows if any(row)]
    if rows:
        lines = [f"| {' | '.join(row)} |" for row in rows]
        yield "\n".join([lines[0], f"|{' --- |' * len(rows[0])}", *lines[1:]])
