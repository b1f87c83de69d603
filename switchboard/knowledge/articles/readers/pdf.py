"""PDF to Markdown, by pypdf: a section a page, so that a citation names the page."""

import logging
from pathlib import Path

from switchboard.knowledge.articles.readers.html import Text

PAGES_MAX = 2_000


def read(path: Path) -> Text:
    """Raises `ValueError` for a file that is locked, too long or holds no text, or what the parser raises."""
    from pypdf import PdfReader

    # What it says of a broken file ends in the list of bad files.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    with PdfReader(path) as reader:
        if reader.is_encrypted and not reader.decrypt(""):
            raise ValueError("it is locked by a password")
        if len(reader.pages) > PAGES_MAX:
            raise ValueError(f"it has more than {PAGES_MAX} pages")
        pages = [page.extract_text() or "" for page in reader.pages]
        title = str((reader.metadata.title if reader.metadata else "") or "")
        language = str(reader.root_object.get("/Lang", "")).split("-")[0].lower()
    sections = [f"## Page {number}\n\n{_plain(page)}" for number, page in enumerate(pages, 1) if page.strip()]
    if not sections:
        raise ValueError("it holds no text; a scan must go through text recognition first")
    return Text("\n\n".join(sections) + "\n", title.strip(), language)


def _plain(page: str) -> str:
    """Lines as they are, but none that Markdown would take for a heading, code or a rule."""
    lines = (line.strip() for line in page.splitlines())
    return "\n".join(f"\\{line}" if line.startswith(("#", "```", "~~~", "===", "---")) else line for line in lines)
