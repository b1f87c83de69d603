"""Documents and dialogue turns in the form of doc2dial: JSON Lines that anybody can make of their own data.

A document: `{"doc_id", "title", "text"}`, optionally `domain`. A question: `{"id", "doc_id", "question", "answers"}`,
where `question` is the dialogue, newest turn first, each turn `user:` or `agent:` and a tab between them, and
`answers` holds `text` and `answer_start` of the gold spans.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from switchboard.contracts.errors import BadConfiguration
from switchboard.knowledge.articles.article import Article, FrontMatter

TURN = re.compile(r"(?:^|\s*\t\s*)(user|agent)\s*:\s*")
TITLE_NUMBER = re.compile(r"\s*#\d+(_\d+)*$")
"""doc2dial numbers the parts of a page behind its title."""
LINES_MAX = 1_000_000

Model = TypeVar("Model", bound=BaseModel)


class Split(StrEnum):
    """Which questions: those of one half of the documents, so that what was tuned on one is reported on the other."""

    ALL = "all"
    DEV = "dev"
    TEST = "test"


def split_of(doc_id: str) -> Split:
    """By a hash of the document's id: the same on every machine."""
    return Split.DEV if hashlib.sha256(doc_id.encode()).digest()[0] % 2 == 0 else Split.TEST


class Spans(BaseModel):
    model_config = ConfigDict(extra="ignore")
    text: list[str] = Field(default_factory=list)
    answer_start: list[int] = Field(default_factory=list[int])


class Document(BaseModel):
    model_config = ConfigDict(extra="ignore")
    doc_id: str
    title: str = ""
    text: str

    def article(self, key: str) -> Article:
        title = TITLE_NUMBER.sub("", self.title or self.doc_id.rpartition("/")[2]).strip()
        return Article(FrontMatter(id=key, title=title or key), self.text)


class Asked(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: str = ""
    doc_id: str
    question: str
    answers: Spans = Field(default_factory=Spans)

    @property
    def user_turns(self) -> list[str]:
        """What the user said, newest first; what the agent said is left out."""
        return [text for role, text in turns(self.question) if role == "user" and text]

    def gold(self) -> list[tuple[int, int]]:
        """Spans of the answer, as offsets into the document's text."""
        return [(at, at + len(text)) for at, text in zip(self.answers.answer_start, self.answers.text, strict=False)]


def turns(question: str) -> list[tuple[str, str]]:
    """Role and words of each turn, newest first. Text without a role is one turn of the user."""
    parts = TURN.split(question)
    if len(parts) < 3:
        return [("user", question.strip())]
    return [(parts[at], parts[at + 1].strip()) for at in range(1, len(parts) - 1, 2)]


def read_documents(path: Path) -> list[Document]:
    """Raises `BadConfiguration` with the file and the line that is wrong."""
    return [_valid(Document, path, number, each) for number, each in _lines(path)]


def read_questions(path: Path) -> list[Asked]:
    """Raises `BadConfiguration` with the file and the line that is wrong."""
    return [_valid(Asked, path, number, each) for number, each in _lines(path)]


def _valid(model: type[Model], path: Path, number: int, value: Any) -> Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise BadConfiguration(f"Line {number} of {path} is wrong at '{where}': {first['msg']}") from error


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if number > LINES_MAX:
                    raise BadConfiguration(f"{path} has more than {LINES_MAX} lines.")
                if line.strip():
                    yield number, json.loads(line)
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{path} cannot be read: {error}") from error
    except json.JSONDecodeError as error:
        raise BadConfiguration(f"{path} holds a line that is not JSON: {error}") from error
