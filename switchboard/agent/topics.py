"""What an agent tells the router that it is asked about: its articles' headings and questions, its tools' utterances.

`kb/questions.yaml`: article id → section heading → questions of customers. `utterances.yaml`: tool → utterances; those under
`<tool>:not` must not make the tool act, and are for this agent all the same. Both files may be missing.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from switchboard.contracts.agent_topics import AgentTopics, TopicText
from switchboard.contracts.cards import AgentCard
from switchboard.contracts.errors import BadConfiguration
from switchboard.knowledge.articles.article import Article
from switchboard.knowledge.articles.folder import read_folder
from switchboard.models.embedder import Embedder
from switchboard.models.int8_vectors import packed

QUESTIONS_FILE = "questions.yaml"
UTTERANCES_FILE = "utterances.yaml"
EMBEDDED_TEXTS_MAX = 128
"""In one request to the gateway: it answers customers meanwhile."""

_QUESTIONS = TypeAdapter(dict[str, dict[str, list[str]]])
_UTTERANCES = TypeAdapter(dict[str, list[str]])

_log = logging.getLogger(__name__)
Read = TypeVar("Read")


def topics_of(card: AgentCard, folder: Path) -> AgentTopics:
    """Without vectors. `folder` is the card's. Raises `BadConfiguration` for a file that is not what it should be."""
    texts: list[TopicText] = []
    if card.knowledge is not None and (folder / card.knowledge.path).is_dir():
        knowledge = folder / card.knowledge.path
        texts += _headings(read_folder(knowledge).articles)
        questions = _read(knowledge / QUESTIONS_FILE, _QUESTIONS.validate_python)
        texts += [
            TopicText(f"{article}#{heading}", text)
            for article, sections in (questions or {}).items()
            for heading, asked in sections.items()
            for text in (heading, *asked)
        ]
    utterances = _read(folder / UTTERANCES_FILE, _UTTERANCES.validate_python)
    texts += [TopicText(tool, text) for tool, said in (utterances or {}).items() for text in said]
    return AgentTopics.bounded(texts)


async def with_vectors(topics: AgentTopics, embedder: Embedder, kept: Path) -> AgentTopics:
    """The same with vectors: those in the file `kept` where they are these texts' and of today's model, else new ones.

    Raises `Unavailable` when the embedder does not answer.
    """
    await embedder.embed([topics.texts[0].text])  # the first answer names the model
    wanted = replace(topics, model_id=embedder.model_id)
    head = f"{wanted.digest}\n".encode()
    read = await asyncio.to_thread(_kept, kept)
    if read.startswith(head):
        return replace(wanted, vectors=read[len(head) :])
    rows: list[bytes] = []
    for start in range(0, len(topics.texts), EMBEDDED_TEXTS_MAX):
        batch = topics.texts[start : start + EMBEDDED_TEXTS_MAX]
        rows.append(packed(await embedder.embed([each.text for each in batch])))
    made = replace(wanted, vectors=b"".join(rows))
    await asyncio.to_thread(_keep, kept, head + made.vectors)
    return made


def _kept(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _keep(path: Path, data: bytes) -> None:
    """Replicas share the file: none may read half of it. Where nothing can be written, the next start embeds again."""
    beside = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        _log.warning("The vectors of topics are not kept: %s", error)


def _headings(articles: Iterable[Article]) -> Iterator[TopicText]:
    for article in articles:
        for chunk in article.chunks():
            heading = chunk.heading.rpartition(" › ")[2] or article.front.title
            yield TopicText(f"{article.id}#{heading}", heading)


def _read(path: Path, validate: Callable[[Any], Read]) -> Read | None:
    """None where there is no such file."""
    if not path.is_file():
        return None
    try:
        return validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadConfiguration(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = " › ".join(str(part) for part in first["loc"])
        raise BadConfiguration(f"{path} is wrong at '{where}': {first['msg']}") from error
