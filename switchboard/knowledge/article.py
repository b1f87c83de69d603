"""A knowledge article: Markdown with YAML front matter, and its division into chunks that keep the article's structure."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from switchboard.contracts.errors import BadConfiguration
from switchboard.knowledge.versions import version_of

CHUNK_CHARACTERS_MAX = 1_200
"""About 250 tokens: what MiniLM reads at once."""
ARTICLE_BYTES_MAX = 1_000_000
ARTICLES_MAX = 5_000

FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n+", re.DOTALL)
HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
BLOCK_END = re.compile(r"\n[ \t]*\n+")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


class FrontMatter(BaseModel):
    """What stands above an article. `tenants` empty means that every tenant may read it."""

    model_config = ConfigDict(extra="ignore")
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,79}$")
    title: str = Field(min_length=1)
    tags: list[str] = Field(default_factory=list)
    tenants: list[str] = Field(default_factory=list, validation_alias=AliasChoices("tenants", "brands"))
    updated: date | None = None
    summary: str = ""
    language: str = Field(default="en", pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
    valid_from: date | None = None
    valid_until: date | None = None
    """First and last day on which a search finds it."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of an article that is found and cited as one. `text` is `article.text[start:end]`, without its heading."""

    article_id: str
    title: str
    heading: str
    """Headings above it, outermost first, joined by ` › `; empty before the first one."""
    start: int
    end: int
    text: str

    @property
    def label(self) -> str:
        return label_of(self.title, self.heading)

    @property
    def digest(self) -> str:
        """Of what is embedded: chunks that read the same share a vector."""
        return hashlib.sha256(embedded_text(self.title, self.heading, self.text).encode()).hexdigest()


def label_of(title: str, heading: str) -> str:
    """Where in its document a chunk stands, for people."""
    return f"{title} › {heading}" if heading else title


def embedded_text(title: str, heading: str, text: str) -> str:
    """What is embedded for a chunk: its place in the document says what the words are about."""
    return f"{label_of(title, heading)}\n{text}"


@dataclass(frozen=True, slots=True)
class Article:
    front: FrontMatter
    text: str
    """The Markdown below the front matter; offsets count its characters."""

    @property
    def id(self) -> str:
        return self.front.id

    def chunks(self) -> list[Chunk]:
        """Sections by heading; a long one is cut between its blocks, a block too long for one chunk between sentences."""
        return [
            Chunk(self.id, self.front.title, heading, start, end, self.text[start:end])
            for heading, section_start, section_end in _sections(self.text)
            for start, end in _pieces(self.text, section_start, section_end)
        ]

    @property
    def version(self) -> str:
        """Changes when anything of the article changes."""
        return version_of(self.front.model_dump_json() + "\0" + self.text)


def read_article(path: Path) -> Article:
    """Reads one article. Raises `BadConfiguration` with the file and what is wrong in it."""
    try:
        if path.stat().st_size > ARTICLE_BYTES_MAX:
            raise BadConfiguration(f"The article {path} is larger than 1 MB.")
        raw = path.read_text(encoding="utf-8").replace("\r\n", "\n")
        match = FRONT_MATTER.match(raw)
        if match is None:
            raise BadConfiguration(f"The article {path} has no front matter: begin it with '---', id, title and '---'.")
        front = FrontMatter.model_validate(yaml.load(match[1], yaml.BaseLoader))  # a tag "off" is no boolean
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadConfiguration(f"The article {path} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadConfiguration(f"The front matter of {path} is wrong at '{where}': {first['msg']}") from error
    return Article(front, raw[match.end() :])


def read_articles(folder: Path) -> list[Article]:
    """All `*.md` below a folder, by id. Raises `BadConfiguration`, also for an id that is there twice."""
    articles: dict[str, Article] = {}
    paths = sorted(folder.rglob("*.md"))
    if len(paths) > ARTICLES_MAX:
        raise BadConfiguration(f"{folder} holds more than {ARTICLES_MAX} articles.")
    for path in paths:
        article = read_article(path)
        if article.id in articles:
            raise BadConfiguration(f"The article {path} has the id '{article.id}' of another article.")
        articles[article.id] = article
    return [articles[key] for key in sorted(articles)]


def _sections(text: str) -> Iterator[tuple[str, int, int]]:
    """Heading path, start and end of the text below each heading. A `#` inside a code fence is no heading."""
    fences = [match.span() for match in FENCE.finditer(text)]
    headings = [
        match for match in HEADING.finditer(text) if not any(start <= match.start() < end for start, end in fences)
    ]
    yield "", 0, headings[0].start() if headings else len(text)
    path: list[tuple[int, str]] = []
    for index, match in enumerate(headings):
        level = len(match[1])
        path = [above for above in path if above[0] < level] + [(level, match[2])]
        end = headings[index + 1].start() if index + 1 < len(headings) else len(text)
        yield " › ".join(name for _, name in path), match.end(), end


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans of at most CHUNK_CHARACTERS_MAX, without white space around them."""
    opened: int | None = None
    closed = start
    for block_start, block_end in _cuts(text, start, end):
        if opened is not None and block_end - opened > CHUNK_CHARACTERS_MAX:
            yield opened, closed
            opened = None
        opened = block_start if opened is None else opened
        closed = block_end
    if opened is not None:
        yield opened, closed


def _cuts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The smallest spans that may not be cut: blocks, or sentences of a block that is too long."""
    for block in _split(text, start, end, BLOCK_END):
        if block[1] - block[0] <= CHUNK_CHARACTERS_MAX:
            yield block
            continue
        for sentence in _split(text, *block, SENTENCE_END):
            for at in range(sentence[0], sentence[1], CHUNK_CHARACTERS_MAX):
                yield at, min(sentence[1], at + CHUNK_CHARACTERS_MAX)


def _split(text: str, start: int, end: int, separator: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    at = start
    for match in separator.finditer(text, start, end):
        yield from _stripped(text, at, match.start())
        at = match.end()
    yield from _stripped(text, at, end)


def _stripped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end
