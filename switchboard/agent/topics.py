"""What an agent tells the router that it is asked about: its articles' headings and questions, its tools' utterances.

Utterances under `<tool>:not` must not make the tool act, and are for this agent all the same.
"""

import asyncio
import logging
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from switchboard.agent.utterances import NEAR_MISS, read_utterances
from switchboard.contracts.agent_topics import AgentTopics, TopicText
from switchboard.contracts.cards import AgentCard
from switchboard.knowledge.articles.article import Article
from switchboard.knowledge.articles.folder import read_folder
from switchboard.models.embedder import Embedder
from switchboard.models.int8_vectors import packed

EMBEDDED_TEXTS_MAX = 128
"""In one request to the gateway: it answers customers meanwhile."""

_log = logging.getLogger(__name__)


def topics_of(card: AgentCard, folder: Path) -> AgentTopics:
    """Without vectors. `folder` is the card's. Raises `BadConfiguration` for a file that is not what it should be."""
    texts: list[TopicText] = []
    if card.knowledge is not None and (folder / card.knowledge.path).is_dir():
        articles = read_folder(folder / card.knowledge.path).articles
        texts += _headings(articles)
        texts += [
            TopicText(f"{article.id}#{heading}", text)
            for article in articles
            for heading, asked in article.questions.items()
            for text in (heading, *asked)
        ]
    utterances = read_utterances(folder)
    for said_of, suffix in ((utterances.wanted, ""), (utterances.near_misses, NEAR_MISS)):
        texts += [TopicText(f"{tool}{suffix}", text) for tool, said in said_of.items() for text in said]
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
