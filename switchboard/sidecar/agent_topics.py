"""Agents' topics in the registry's state: pages beside `agent|<id>`, written at start, read when their digest is new.

An agent has one set of pages, that of the instance that started last, as its registration has one card. A page names
the digest it belongs to: who reads while another set is being written sees that it is not whole.
"""

import base64
import binascii
import itertools
import logging
from collections.abc import Iterator

from pydantic import BaseModel, Field, ValidationError

from switchboard.contracts.agent_topics import AgentTopics, TopicText
from switchboard.sidecar import keys
from switchboard.sidecar.change import change
from switchboard.sidecar.ports import StateStore

PAGE_TEXTS_MAX = 400
"""At four bytes a character and base64 vectors a page stays below 1 MiB."""
PAGES_MAX = 8

_log = logging.getLogger(__name__)


class TopicsPage(BaseModel):
    """The value of `topics|<agent>|<page>`."""

    digest: str
    pages: int = Field(ge=1, le=PAGES_MAX)
    texts: list[tuple[str, str]] = Field(max_length=PAGE_TEXTS_MAX)
    """Topic and text."""
    model_id: str = ""
    vectors: str = ""
    """Base64 of the rows of this page's texts."""


class AgentTopicsStore:
    """Writes what an agent tells, and reads it. Raises `Unavailable` when the store does not answer."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    async def write(self, agent_id: str, topics: AgentTopics) -> None:
        """Writes the pages that do not stand there yet. The first one goes last: with it the set is whole."""
        for number, page in reversed(list(enumerate(_pages(topics)))):
            value = page.model_dump(mode="json")
            await change(self._state, keys.agent_topics(agent_id, number), lambda _, value=value: value)

    async def stands(self, agent_id: str, digest: str) -> bool:
        """Whether the topics with this digest were written, and nothing since."""
        return await self._page(agent_id, 0, digest) is not None

    async def read(self, agent_id: str, digest: str) -> AgentTopics | None:
        """The topics with this digest; None where they are not there, or not whole."""
        first = await self._page(agent_id, 0, digest)
        if first is None:
            return None
        pages = [first]
        for number in range(1, first.pages):
            page = await self._page(agent_id, number, digest)
            if page is None:
                return None
            pages.append(page)
        try:
            vectors = b"".join(base64.b64decode(page.vectors, validate=True) for page in pages)
        except binascii.Error:
            return None
        texts = itertools.chain.from_iterable(page.texts for page in pages)
        found = AgentTopics(tuple(TopicText(*each) for each in texts), first.model_id, vectors)
        return found if found.digest == digest else None

    async def _page(self, agent_id: str, number: int, digest: str) -> TopicsPage | None:
        item = await self._state.get(keys.agent_topics(agent_id, number))
        if item is None:
            return None
        try:
            page = TopicsPage.model_validate(item.value)
        except ValidationError as error:
            _log.error("page %d of the topics of %s is malformed: %s", number, agent_id, error.errors()[0]["msg"])
            return None
        return page if page.digest == digest else None


def _pages(topics: AgentTopics) -> Iterator[TopicsPage]:
    count = max(1, -(-len(topics.texts) // PAGE_TEXTS_MAX))
    width = len(topics.vectors) // max(1, len(topics.texts))
    for start in range(0, count * PAGE_TEXTS_MAX, PAGE_TEXTS_MAX):
        end = start + PAGE_TEXTS_MAX
        yield TopicsPage(
            digest=topics.digest,
            pages=count,
            texts=[(each.topic, each.text) for each in topics.texts[start:end]],
            model_id=topics.model_id,
            vectors=base64.b64encode(topics.vectors[start * width : end * width]).decode(),
        )
