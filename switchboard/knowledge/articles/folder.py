"""A folder of documents, read whole: what can be read, and a list of what cannot."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from switchboard.contracts.errors import BadConfiguration
from switchboard.knowledge.articles.article import ARTICLE_BYTES_MAX, Article, front_matter, read_article, read_metadata
from switchboard.knowledge.articles.questions import read_questions
from switchboard.knowledge.articles.readers.html import Text

logger = logging.getLogger(__name__)

FILES_MAX = 5_000
FILE_BYTES_MAX = 50_000_000
LANGUAGE = re.compile(r"^[a-z]{2,3}$")


@dataclass(frozen=True, slots=True)
class BadFile:
    path: Path
    reason: str
    """A sentence for whoever must repair the file."""


@dataclass(frozen=True, slots=True)
class FolderReading:
    articles: tuple[Article, ...]
    """By id."""
    bad: tuple[BadFile, ...]


def read_folder(folder: Path) -> FolderReading:
    """Every Markdown, HTML, PDF and DOCX file below a folder. What stands beside a file as `<name>.yaml` is its front
    matter. Other files are not looked at, and neither are those whose name or folder begins with a dot.

    `questions.yaml` says what customers ask that the sections answer (`questions.py`).

    Raises `BadConfiguration` where there is no such folder, more than FILES_MAX files in it, or questions to a section
    that is not there.
    """
    if not folder.is_dir():
        raise BadConfiguration(f"There is no folder {folder} to read documents from.")
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if len(paths) > FILES_MAX:
        raise BadConfiguration(f"{folder} holds more than {FILES_MAX} documents.")
    articles: dict[str, Article] = {}
    bad: list[BadFile] = []
    for path in paths:
        try:
            article = read_document(path)
        except BadConfiguration as error:
            bad.append(BadFile(path, error.message))
            continue
        if article.id in articles:
            bad.append(BadFile(path, f"The document {path} has the id '{article.id}' of another one."))
        else:
            articles[article.id] = article
    asked = read_questions(folder)
    if asked is not None:
        articles = {key: asked.added_to(article) for key, article in articles.items()}
        if not bad:  # the questions of an article that cannot be read belong to nobody for now
            asked.check_articles(set(articles))
    return FolderReading(tuple(articles[key] for key in sorted(articles)), tuple(bad))


def read_document(path: Path) -> Article:
    """Reads one file by its suffix. Raises `BadConfiguration` with the file and what is wrong with it."""
    suffix = path.suffix.lower()
    if suffix in MARKDOWN:
        return read_article(path)
    reader = READERS.get(suffix)
    if reader is None:
        raise BadConfiguration(f"{path} is neither Markdown, HTML, PDF nor DOCX.")
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise BadConfiguration(f"The document {path} is larger than 50 MB.")
        text = reader(path)
        beside = path.with_name(f"{path.name}.yaml")
        written = read_metadata(beside.read_text(encoding="utf-8"), beside) if beside.is_file() else {}
    except BadConfiguration:
        raise
    except ImportError as error:
        raise BadConfiguration(f"To read {path} the extra 'ingest' must be installed: {error}") from error
    except Exception as error:  # whatever a parser makes of a broken file: it must not stop the others
        logger.debug("The parser failed at %s.", path, exc_info=True)
        raise BadConfiguration(f"The document {path} cannot be read: {error or type(error).__name__}") from error
    if len(text.text) > ARTICLE_BYTES_MAX:
        raise BadConfiguration(f"The document {path} holds more than a million characters.")
    if not text.text.strip():
        raise BadConfiguration(f"The document {path} holds no text.")
    language = text.language if LANGUAGE.match(text.language) else ""
    return Article(front_matter(path, written, title=text.title, language=language), text.text)


def _html(path: Path) -> Text:
    from switchboard.knowledge.articles.readers import html

    return html.read(path)


def _pdf(path: Path) -> Text:
    from switchboard.knowledge.articles.readers import pdf

    return pdf.read(path)


def _docx(path: Path) -> Text:
    from switchboard.knowledge.articles.readers import docx

    return docx.read(path)


MARKDOWN = frozenset({".md", ".markdown"})
READERS: dict[str, Callable[[Path], Text]] = {".html": _html, ".htm": _html, ".pdf": _pdf, ".docx": _docx}
SUFFIXES = MARKDOWN | READERS.keys()
