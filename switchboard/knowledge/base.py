"""An agent's knowledge: articles in, passages out, by hybrid retrieval.

Words (BM25) and meaning (cosine of embeddings) each rank the chunks; reciprocal rank fusion joins the ranks (Cormack,
Clarke, Büttcher, SIGIR 2009; k = 60). What is not near enough to the question by either is never returned, so a
question without an answer finds nothing.
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from switchboard.contracts.errors import NotFound, Unavailable
from switchboard.contracts.tools import Passage
from switchboard.knowledge.article import Article, read_articles
from switchboard.knowledge.store import KnowledgeStore, StoredChunk, content_words, embedded_text

logger = logging.getLogger(__name__)

Vectors = NDArray[np.float32]

FUSION_K = 60
CANDIDATES_MAX = 30
PASSAGES_MAX = 4
QUERY_TIMEOUT_S = 3.0
EMBED_BATCH_MAX = 32

COSINE_MIN = 0.42
"""Near enough by meaning alone."""
COSINE_WITH_WORDS_MIN = 0.25
"""Near enough where also COVERAGE_MIN of the question's words occur."""
COVERAGE_MIN = 0.6
COSINE_BELOW_BEST_MAX = 0.2
"""A passage this much farther than the best one is about something else."""

URI = re.compile(r"^kb://(?P<agent>[a-z][a-z0-9-]*)/(?P<article>[a-z0-9-]+)(?:#(?P<start>\d+)-(?P<end>\d+))?$")


class Embedder(Protocol):
    """What is needed of `switchboard.models.embedder.Embedder`."""

    @property
    def model_id(self) -> str: ...

    async def embed(self, texts: Sequence[str]) -> Vectors: ...


@dataclass(frozen=True, slots=True)
class Source:
    """An article, and the part of it that a citation names: `text[start:end]`."""

    uri: str
    title: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Index:
    """What a search reads; replaced as a whole, never changed. `matrix` has a row a chunk, or is None without vectors."""

    chunks: tuple[StoredChunk, ...]
    words: tuple[frozenset[str], ...]
    position: dict[int, int]
    matrix: Vectors | None
    model_id: str


class KnowledgeBase:
    """Opens with words only; `embed` adds meaning when the embedder answers. Searches may run concurrently."""

    def __init__(self, agent_id: str, articles: Sequence[Article], store: KnowledgeStore, embedder: Embedder) -> None:
        self._agent_id = agent_id
        self._articles = {article.id: article for article in articles}
        self._store = store
        self._embedder = embedder
        self._index = _index(store.chunks(), None, "")

    @classmethod
    def open(cls, agent_id: str, folder: Path, database: Path, embedder: Embedder) -> "KnowledgeBase":
        """Reads the articles and brings the file in line with them. Blocks. Raises `BadConfiguration`."""
        articles = read_articles(folder)
        store = KnowledgeStore(database)
        store.sync(articles)
        return cls(agent_id, articles, store, embedder)

    def close(self) -> None:
        self._store.close()

    @property
    def titles(self) -> list[str]:
        """What the articles are about, by article id."""
        return [article.front.title for article in self._articles.values()]

    @property
    def embedded(self) -> bool:
        """True when the search goes by meaning too, or there is nothing to search."""
        return self._index.matrix is not None or not self._index.chunks

    async def embed(self) -> int:
        """Embeds what is new since the file was written, and gives how many chunks that were.

        Raises `Unavailable` when the embedder does not answer; what was embedded until then is kept.
        """
        chunks = self._index.chunks
        if not chunks:
            return 0
        # The first answer names the model: another one than last time's makes every vector new.
        await self._embedder.embed([chunks[0].chunk.title])
        model_id = self._embedder.model_id
        known = await asyncio.to_thread(self._store.vectors, model_id)
        missing = list({chunk.digest: chunk for chunk in chunks if chunk.digest not in known}.values())
        for start in range(0, len(missing), EMBED_BATCH_MAX):
            batch = missing[start : start + EMBED_BATCH_MAX]
            vectors = await self._embedder.embed([embedded_text(each.chunk) for each in batch])
            digests = [each.digest for each in batch]
            await asyncio.to_thread(self._store.add_vectors, model_id, digests, vectors)
            known.update(zip(digests, vectors, strict=True))
        matrix = np.stack([known[chunk.digest] for chunk in chunks]).astype(np.float32)
        self._index = _index(chunks, matrix, model_id)
        return len(missing)

    async def search(self, query: str, *, tenant: str, limit: int = PASSAGES_MAX) -> list[Passage]:
        """The passages that answer `query` best, best first; none when nothing is near it. Passages have no number yet."""
        index = self._index
        by_words, vector = await asyncio.gather(
            asyncio.to_thread(self._store.by_words, query, CANDIDATES_MAX * 2), self._vector(index, query)
        )
        allowed = np.array([not each.tenants or tenant in each.tenants for each in index.chunks], dtype=bool)
        word_ranked = [index.position[row] for row, _ in by_words if row in index.position]
        word_ranked = [position for position in word_ranked if allowed[position]][:CANDIDATES_MAX]
        coverage = _coverage(index, word_ranked, query)
        if vector is None or index.matrix is None:
            kept = [position for position in word_ranked if coverage[position] >= COVERAGE_MIN]
            return [self._passage(index.chunks[position]) for position in kept[:limit]]

        cosines = np.where(allowed, index.matrix @ vector, -1.0)
        meaning_ranked = [int(position) for position in np.argsort(-cosines)[:CANDIDATES_MAX]]
        best = float(cosines[meaning_ranked[0]]) if meaning_ranked else 0.0
        fused = _fuse(word_ranked, meaning_ranked)
        kept = [
            position
            for position in fused
            if _near(float(cosines[position]), coverage.get(position, 0.0))
            and cosines[position] >= best - COSINE_BELOW_BEST_MAX
        ]
        return [self._passage(index.chunks[position]) for position in kept[:limit]]

    def source(self, uri: str, *, tenant: str | None = None) -> Source:
        """The article that a citation's uri names. Raises `NotFound`, also for another tenant's article."""
        match = URI.match(uri)
        article = self._articles.get(match["article"]) if match and match["agent"] == self._agent_id else None
        if match is None or article is None:
            raise NotFound("There is no such source.")
        if tenant is not None and article.front.tenants and tenant not in article.front.tenants:
            raise NotFound("There is no such source.")
        start, end = int(match["start"] or 0), int(match["end"] or len(article.text))
        if not 0 <= start <= end <= len(article.text):
            raise NotFound("There is no such passage: the article has changed since.")
        return Source(uri, article.front.title, article.text, start, end)

    async def _vector(self, index: _Index, query: str) -> Vectors | None:
        if index.matrix is None:
            return None
        try:
            async with asyncio.timeout(QUERY_TIMEOUT_S):
                vectors = await self._embedder.embed([query])
        except (Unavailable, TimeoutError) as error:
            logger.warning("The search goes by words only, the embedder does not answer: %s", error)
            return None
        if self._embedder.model_id != index.model_id:
            logger.warning("The embedding model changed to %s; the index is older.", self._embedder.model_id)
            return None
        return vectors[0]

    def _passage(self, stored: StoredChunk) -> Passage:
        chunk = stored.chunk
        uri = f"kb://{self._agent_id}/{chunk.article_id}#{chunk.start}-{chunk.end}"
        return Passage(n=0, title=chunk.label, uri=uri, text=chunk.text)


def _index(chunks: Sequence[StoredChunk], matrix: Vectors | None, model_id: str) -> _Index:
    words = tuple(frozenset(_stem(word) for word in content_words(embedded_text(each.chunk))) for each in chunks)
    return _Index(tuple(chunks), words, {each.row: at for at, each in enumerate(chunks)}, matrix, model_id)


def _coverage(index: _Index, positions: Sequence[int], query: str) -> dict[int, float]:
    """Share of the question's words that occur in each chunk."""
    asked = {_stem(word) for word in content_words(query)}
    return {position: len(asked & index.words[position]) / max(1, len(asked)) for position in positions}


def _stem(word: str) -> str:
    """Rough, for counting only: the ranking uses SQLite's Porter stemmer."""
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _near(cosine: float, coverage: float) -> bool:
    return cosine >= COSINE_MIN or (cosine >= COSINE_WITH_WORDS_MIN and coverage >= COVERAGE_MIN)


def _fuse(*rankings: Sequence[int]) -> list[int]:
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, position in enumerate(ranking, start=1):
            scores[position] = scores.get(position, 0.0) + 1.0 / (FUSION_K + rank)
    return sorted(scores, key=lambda position: -scores[position])
