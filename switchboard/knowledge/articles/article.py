"""A knowledge article: Markdown with YAML front matter, and its division into chunks that keep the article's structure."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from switchboard.contracts.errors import BadConfiguration
from switchboard.knowledge.articles.chunking import CHUNK_CHARACTERS_MAX, LINE_END, spans_of
from switchboard.knowledge.articles.versions import version_of

__all__ = ["CHUNK_CHARACTERS_MAX", "Article", "Chunk", "FrontMatter", "read_article"]

ARTICLE_BYTES_MAX = 1_000_000

TITLE = re.compile(r"^#[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n+", re.DOTALL)


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
    questions: tuple[str, ...] = ()
    """What customers ask that its section answers, in their words."""

    @property
    def section(self) -> str:
        """The nearest heading; the title before the first one."""
        return self.heading.rsplit(" › ", 1)[-1] or self.title

    @property
    def label(self) -> str:
        return label_of(self.title, self.heading)

    @property
    def digest(self) -> str:
        """Of what is embedded: chunks that read the same share a vector."""
        return digest_of(embedded_text(self.title, self.heading, self.text))


def digest_of(text: str) -> str:
    """Of a text that is embedded."""
    return hashlib.sha256(text.encode()).hexdigest()


def label_of(title: str, heading: str) -> str:
    """Where in its document a chunk stands, for people."""
    if heading == title or heading.startswith(f"{title} › "):
        return heading  # the document's title is also its first heading
    return f"{title} › {heading}" if heading else title


def embedded_text(title: str, heading: str, text: str) -> str:
    """What is embedded for a chunk: its place in the document says what the words are about."""
    return f"{label_of(title, heading)}\n{text}"


@dataclass(frozen=True, slots=True)
class Article:
    front: FrontMatter
    text: str
    """The Markdown below the front matter; offsets count its characters."""
    questions: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """By heading of the section that answers them."""

    @property
    def id(self) -> str:
        return self.front.id

    def chunks(self) -> list[Chunk]:
        """Sections by heading; a long one is cut between its blocks, a block too long for one chunk between sentences."""
        chunks = (
            Chunk(self.id, self.front.title, heading, start, end, self.text[start:end])
            for heading, start, end in spans_of(self.text)
        )
        return [replace(chunk, questions=self.questions.get(chunk.section, ())) for chunk in chunks]

    @property
    def version(self) -> str:
        """Changes when anything of the article changes."""
        asked = f"\0{json.dumps(self.questions, sort_keys=True)}" if self.questions else ""
        return version_of(self.front.model_dump_json() + "\0" + self.text + asked)


def read_article(path: Path) -> Article:
    """Reads one Markdown article. Without front matter its id and title come from its name and its first heading.

    Raises `BadConfiguration` with the file and what is wrong in it.
    """
    try:
        if path.stat().st_size > ARTICLE_BYTES_MAX:
            raise BadConfiguration(f"The article {path} is larger than 1 MB.")
        raw = LINE_END.sub("\n", path.read_text(encoding="utf-8-sig"))
        match = FRONT_MATTER.match(raw)
        if match is None and raw.startswith("---\n"):
            raise BadConfiguration(f"The front matter of {path} has no end: close it with a line '---'.")
        text = raw[match.end() :] if match else raw
        heading = TITLE.search(text)
        written = read_metadata(match[1], path) if match else {}
        return Article(front_matter(path, written, title=heading[1].strip() if heading else ""), text)
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"The article {path} cannot be read: {error}") from error


def read_metadata(written: str, path: Path) -> dict[str, Any]:
    """YAML as words: a tag "off" is no boolean. Raises `BadConfiguration`."""
    try:
        read: Any = yaml.load(written, yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise BadConfiguration(f"The front matter of {path} cannot be read: {error}") from error
    if not isinstance(read, dict):
        raise BadConfiguration(f"The front matter of {path} is not made of names and values.")
    return cast(dict[str, Any], read)


def front_matter(path: Path, written: dict[str, Any], *, title: str = "", language: str = "") -> FrontMatter:
    """What is written, and for what is missing the document's own title and language. Raises `BadConfiguration`."""
    found = {"id": slug(path.stem), "title": title or path.stem.replace("-", " ").replace("_", " ").strip()}
    if language:
        found["language"] = language
    if written:  # whoever writes front matter names the article in it
        found.pop("id")
    try:
        return FrontMatter.model_validate({**found, **written})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadConfiguration(f"The front matter of {path} is wrong at '{where}': {first['msg']}") from error


def slug(name: str) -> str:
    """An id made of a file's name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].strip("-") or "document"
