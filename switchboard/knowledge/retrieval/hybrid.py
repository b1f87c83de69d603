"""Hybrid retrieval over any index: words (BM25) and meaning (cosine of embeddings) each rank the chunks, and
reciprocal rank fusion joins the ranks."""

import asyncio
import logging
from dataclasses import dataclass

from switchboard.contracts.errors import Unavailable
from switchboard.knowledge.indexes.port import Filter, Hit, KnowledgeIndex, StoredChunk, Vectors
from switchboard.knowledge.retrieval.fusion import fused
from switchboard.knowledge.retrieval.query import Query
from switchboard.models.embedder import Embedder
from switchboard.text.stems import stem
from switchboard.text.words import content_terms, terms

logger = logging.getLogger(__name__)

CANDIDATES_MAX = 30
QUERY_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class RankedChunk:
    """A chunk, and how near it is to the question."""

    stored: StoredChunk
    cosine: float | None
    """To its text, or to the questions that it answers where these are nearer; None where the search went by words only."""
    coverage: float
    """Share of the question's words that occur in it, 0 to 1; 0 where it was not found by words."""


async def retrieve(
    index: KnowledgeIndex,
    embedder: Embedder | None,
    question: Query,
    scope: Filter,
    *,
    candidates: int = CANDIDATES_MAX,
) -> list[RankedChunk]:
    """Chunks best first, at most twice `candidates`: near or not, the caller decides what is near enough.

    Without an embedder, or where it does not answer in time, the search goes by words only.
    """
    hits, vector = await asyncio.gather(
        asyncio.to_thread(index.by_words, question.words, scope, candidates), _vector(embedder, question)
    )
    by_words = [hit.key for hit in hits]
    nearest: list[Hit] = []
    model_id: str | None = None
    if vector is not None and embedder is not None:
        model_id = embedder.model_id
        nearest = await asyncio.to_thread(index.by_meaning, vector, model_id, scope, candidates)
    nearness = {hit.key: hit.score for hit in nearest}
    order = fused(by_words, list(nearness))
    stored = {each.key: each for each in await asyncio.to_thread(index.chunks, order, model_id)}
    asked = {stem(term) for term in content_terms(question.words)}
    worded = set(by_words)
    found: list[RankedChunk] = []
    for key in order:
        if (chunk := stored.get(key)) is None:
            continue  # gone since it was ranked: another process has swapped the version
        cosine = nearness.get(key)
        if cosine is None and vector is not None and chunk.vector is not None:
            cosine = float(chunk.vector @ vector)
        found.append(RankedChunk(chunk, cosine, _coverage(asked, chunk) if key in worded else 0.0))
    return found


async def _vector(embedder: Embedder | None, question: Query) -> Vectors | None:
    if embedder is None:
        return None
    try:
        async with asyncio.timeout(QUERY_TIMEOUT_S):
            return (await embedder.embed([question.meaning]))[0]
    except (Unavailable, TimeoutError) as error:
        logger.warning("The search goes by words only, the embedder does not answer: %s", error)
        return None


def _coverage(asked: set[str], stored: StoredChunk) -> float:
    held = {stem(term) for term in terms(f"{stored.chunk.label}\n{stored.chunk.text}")}
    return len(asked & held) / max(1, len(asked))
