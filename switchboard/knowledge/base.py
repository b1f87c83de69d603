"""An agent's knowledge: articles in, passages out, citations resolved.

What is not near enough to the question is never returned, so a question without an answer finds nothing.
"""

import asyncio
import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from switchboard.contracts.errors import NotFound, Unavailable
from switchboard.contracts.tools import Passage
from switchboard.knowledge.articles.article import Article, digest_of, embedded_text
from switchboard.knowledge.articles.folder import read_folder
from switchboard.knowledge.indexes.port import ChunkVectors, Filter, KnowledgeIndex, StoredChunk, SyncChanges, Vectors
from switchboard.knowledge.indexes.sqlite import SqliteIndex
from switchboard.knowledge.retrieval.hybrid import RankedChunk, retrieve
from switchboard.knowledge.retrieval.query import Query
from switchboard.models.embedder import Embedder

logger = logging.getLogger(__name__)

PASSAGES_MAX = 4
SYNC_ATTEMPTS_MAX = 30
SYNC_PAUSE_S = 1.0
"""Replicas that start together ingest one after the other; all but the first find nothing to do."""
EMBED_BATCH_MAX = 32

COSINE_MIN = 0.35
"""Near enough by meaning alone."""
COSINE_WITH_WORDS_MIN = 0.25
"""Near enough where also COVERAGE_MIN of the question's words occur."""
COVERAGE_MIN = 0.6
COSINE_BELOW_BEST_MAX = 0.2
"""A passage this much farther than the best one is about something else."""

URI = re.compile(
    r"^kb://(?P<agent>[a-z][a-z0-9-]*)/(?P<article>[a-z0-9-]+)"
    r"(?:#(?:(?P<start>\d{1,9})-(?P<end>\d{1,9}))?(?:@(?P<version>[0-9a-f]{4,64}))?)?$"
)


@dataclass(frozen=True, slots=True)
class Source:
    """An article, and the part of it that a citation names: `text[start:end]`."""

    uri: str
    title: str
    text: str
    start: int
    end: int
    version: str
    """The revision that was cited, which need not be the one that is live."""


class KnowledgeBase:
    """One agent's part of an index. Searches by words until `embed` has run. Searches may run concurrently."""

    def __init__(self, agent_id: str, index: KnowledgeIndex, embedder: Embedder) -> None:
        self._agent_id = agent_id
        self._index = index
        self._embedder = embedder
        self._titles = index.titles(agent_id)
        self._embedded = False

    @classmethod
    def open(cls, agent_id: str, folder: Path, database: Path, embedder: Embedder) -> "KnowledgeBase":
        """`over` with the embedded index in a file."""
        return cls.over(agent_id, folder, SqliteIndex(database), embedder)

    @classmethod
    def over(cls, agent_id: str, folder: Path, index: KnowledgeIndex, embedder: Embedder) -> "KnowledgeBase":
        """Reads the folder and brings the index in line with it. Blocks, also while another replica does the same.

        A document that cannot be read is logged and left out. Raises `BadConfiguration` where there is no folder, and
        `Unavailable` where the index does not answer.
        """
        reading = read_folder(folder)
        for bad in reading.bad:
            logger.error("Left out of the knowledge of %s: %s", agent_id, bad.reason)
        for attempt in range(SYNC_ATTEMPTS_MAX):
            try:
                index.sync(agent_id, reading.articles)
                break
            except Unavailable:
                if attempt == SYNC_ATTEMPTS_MAX - 1:
                    raise
                time.sleep(SYNC_PAUSE_S)
        return cls(agent_id, index, embedder)

    def close(self) -> None:
        self._index.close()

    @property
    def titles(self) -> list[str]:
        """What the articles are about, by article id."""
        return list(self._titles.values())

    def version(self) -> str:
        """The live version of the articles, as the index has it now; empty where there is none. Blocks."""
        return next((each.name for each in self._index.versions(self._agent_id) if each.live), "")

    @property
    def embedded(self) -> bool:
        """True when the search goes by meaning too, or there is nothing to search."""
        return self._embedded or not self._titles

    async def embed(self) -> int:
        """Embeds what is new since the file was written, and gives how many chunks that were.

        Raises `Unavailable` when the embedder does not answer; what was embedded until then is kept.
        """
        if not self._titles:
            return 0
        # The first answer names the model: another one than last time's makes every vector new.
        await self._embedder.embed([next(iter(self._titles.values()))])
        model_id = self._embedder.model_id
        missing = await asyncio.to_thread(self._index.unembedded, self._agent_id, model_id)
        await self._vectors(missing, keep=True)
        self._embedded = True
        # What a search scans is read now instead of with the first question.
        await self.rank(Query(next(iter(self._titles.values()))), Filter(self._agent_id))
        return len(missing)

    async def ingest(self, articles: Sequence[Article]) -> SyncChanges:
        """Swaps to these articles while searches go on: what is new is embedded first, then the version changes at once.

        Raises `Unavailable` when the embedder does not answer; then nothing has changed.
        """
        chunks = [chunk for article in articles for chunk in article.chunks()]
        texts = {chunk.digest: embedded_text(chunk.title, chunk.heading, chunk.text) for chunk in chunks}
        texts |= {digest_of(question): question for chunk in chunks for question in chunk.questions}
        if texts:
            await self._embedder.embed([next(iter(texts.values()))])
        known = await asyncio.to_thread(self._index.known, self._embedder.model_id, list(texts))
        embedded = await self._vectors({digest: text for digest, text in texts.items() if digest not in known})
        changes = await asyncio.to_thread(self._index.sync, self._agent_id, articles, embedded)
        self._titles = await asyncio.to_thread(self._index.titles, self._agent_id)
        self._embedded = True
        return changes

    async def _vectors(self, texts: Mapping[str, str], *, keep: bool = False) -> ChunkVectors:
        """Embeds texts by digest; `keep` stores each batch as it comes, so that a failure loses one batch only."""
        digests = list(texts)
        whole: dict[str, Vectors] = {}
        for start in range(0, len(digests), EMBED_BATCH_MAX):
            batch = digests[start : start + EMBED_BATCH_MAX]
            vectors = await self._embedder.embed([texts[digest] for digest in batch])
            part = dict(zip(batch, vectors, strict=True))
            whole |= part
            if keep:
                await asyncio.to_thread(self._index.add_vectors, ChunkVectors(self._embedder.model_id, part))
        return ChunkVectors(self._embedder.model_id, whole)

    async def search(
        self,
        query: str,
        *,
        tenant: str,
        limit: int = PASSAGES_MAX,
        earlier: Sequence[str] = (),
        language: str | None = None,
        on: date | None = None,
        embedder: Embedder | None = None,
    ) -> list[Passage]:
        """The passages that answer `query` best, best first; none when nothing is near it. Passages have no number yet.

        `earlier` are the user's messages that the query continues, newest first. `on` is the day on which the passages
        must be valid; None is today. `embedder` asks the same model for somebody else than the index's owner.
        """
        scope = Filter(self._agent_id, tenant, language, on or date.today())
        found = await self.rank(Query.of(query, earlier), scope, embedder=embedder)
        return [passage_of(each) for each in near(found)[:limit]]

    async def rank(
        self, question: Query, scope: Filter, *, candidates: int = 30, embedder: Embedder | None = None
    ) -> list[RankedChunk]:
        """All candidates, best first, near or not: for evaluation and for operators."""
        used = (embedder or self._embedder) if self._embedded else None
        return await retrieve(self._index, used, question, scope, candidates=candidates)

    def source(self, uri: str, *, tenant: str | None = None) -> Source:
        """The article that a citation's uri names. Raises `NotFound`, also for another tenant's article."""
        match = URI.match(uri)
        if match is None or match["agent"] != self._agent_id:
            raise NotFound("There is no such source.")
        found = self._index.document(self._agent_id, match["article"], match["version"])
        if found is None or (tenant is not None and found.tenants and tenant not in found.tenants):
            raise NotFound("There is no such source.")
        start, end = int(match["start"] or 0), int(match["end"] or len(found.text))
        if not 0 <= start <= end <= len(found.text):
            raise NotFound("There is no such passage: the article has changed since.")
        return Source(uri, found.title, found.text, start, end, found.version)


def uri_of(stored: StoredChunk) -> str:
    """The address of a chunk in the revision that is live now; it resolves after that was replaced, too."""
    chunk = stored.chunk
    return f"kb://{stored.agent}/{chunk.article_id}#{chunk.start}-{chunk.end}@{stored.version}"


def passage_of(ranked: RankedChunk) -> Passage:
    """Without a number yet."""
    stored, chunk = ranked.stored, ranked.stored.chunk
    return Passage(
        n=0,
        title=chunk.label,
        uri=uri_of(stored),
        text=chunk.text,
        document=chunk.article_id,
        version=stored.version,
        start=chunk.start,
        end=chunk.end,
        score=round(ranked.cosine, 3) if ranked.cosine is not None else None,
    )


def near(found: Sequence[RankedChunk]) -> list[RankedChunk]:
    """What is near enough to be an answer, in the same order."""
    cosines = [each.cosine for each in found if each.cosine is not None]
    if not cosines:
        return [each for each in found if each.coverage >= COVERAGE_MIN]
    best = max(cosines)
    return [
        each
        for each in found
        if each.cosine is not None and _near(each.cosine, each.coverage) and each.cosine >= best - COSINE_BELOW_BEST_MAX
    ]


def _near(cosine: float, coverage: float) -> bool:
    return cosine >= COSINE_MIN or (cosine >= COSINE_WITH_WORDS_MIN and coverage >= COVERAGE_MIN)
