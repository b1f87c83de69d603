"""How long a query takes at 1,000, 10,000 and 100,000 chunks, on one core, with the real embedding of the question.

The chunks are made of the sentences of the given documents, shuffled, so that words are as frequent as they are in
real text; their vectors are those of real chunks with noise, for embedding 100,000 texts takes hours and changes
nothing in what a query costs.
"""

import asyncio
import os
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from switchboard.evaluation.retrieval.dialogues import Asked, Document
from switchboard.evaluation.retrieval.quality import AGENT, Progress
from switchboard.evaluation.statistics import percentile
from switchboard.knowledge.articles.article import Article, FrontMatter
from switchboard.knowledge.base import KnowledgeBase
from switchboard.knowledge.indexes.port import ChunkVectors, Filter
from switchboard.knowledge.indexes.sqlite import SqliteIndex
from switchboard.knowledge.retrieval.query import Query
from switchboard.models.embedder import Embedder
from switchboard.text.sentences import sentences as sentences_of

SIZES = (1_000, 10_000, 100_000)
SECTIONS_A_DOCUMENT = 20
SENTENCES_A_SECTION = 6
REAL_VECTORS = 64
QUERIES = 100
NOISE = 0.05
SEED = 7


class Speed(BaseModel):
    chunks: int
    query_ms_p50: float
    query_ms_p95: float
    """The whole query: embedding, both rankings, fusion, reading the passages."""
    query_cpu_ms_p50: float
    query_cpu_ms_p95: float
    """What the process computed for it, which other work on the machine does not lengthen."""
    embedding_ms_p50: float
    """Of the question alone: part of the above."""
    ready_s: float
    """From the written file to the first answer."""


def measure_speed(
    documents: Sequence[Document],
    questions: Sequence[Asked],
    embedder_of: Callable[[], Embedder],
    progress: Progress,
    sizes: Sequence[int] = SIZES,
) -> list[Speed]:
    """One result a size. The process is bound to one core for as long as it runs, where the system can do that."""
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set[int]()
    try:
        if cores:
            os.sched_setaffinity(0, {max(cores)})
        return asyncio.run(_measure(documents, questions, embedder_of, progress, sizes))
    finally:
        if cores:
            os.sched_setaffinity(0, cores)


async def _measure(
    documents: Sequence[Document],
    questions: Sequence[Asked],
    embedder_of: Callable[[], Embedder],
    progress: Progress,
    sizes: Sequence[int],
) -> list[Speed]:
    draw = random.Random(SEED)
    sentences = [each for document in documents for each in sentences_of(document.text)]
    some = draw.sample(sentences, min(REAL_VECTORS, len(sentences)))
    real = np.stack([*(await embedder_of().embed(some))])
    asked = draw.sample(list(questions), min(QUERIES, len(questions)))
    # An embedder remembers texts: each size gets a new one, so that each question is embedded.
    return [await _at(size, sentences, real, asked, embedder_of(), progress) for size in sizes]


async def _at(
    size: int,
    sentences: Sequence[str],
    real: np.ndarray,
    asked: Sequence[Asked],
    embedder: Embedder,
    progress: Progress,
) -> Speed:
    progress(f"Making {size} chunks…")
    draw, noise = random.Random(SEED), np.random.default_rng(SEED)
    articles = [_article(n, draw, sentences) for n in range(size // SECTIONS_A_DOCUMENT)]
    digests = list({chunk.digest: None for article in articles for chunk in article.chunks()})
    vectors = real[noise.integers(len(real), size=len(digests))]
    vectors = vectors + noise.normal(0, NOISE, vectors.shape)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        index = SqliteIndex(Path(folder) / "index.sqlite")
        embedded = ChunkVectors(embedder.model_id, dict(zip(digests, vectors, strict=True)))
        index.sync(AGENT, articles, embedded)
        del articles, embedded, vectors
        base = KnowledgeBase(AGENT, index, embedder)
        try:
            started_s = time.perf_counter()
            await base.embed()
            ready_s = time.perf_counter() - started_s
            progress(f"Asking {len(asked)} questions of {len(digests)} chunks…")
            scope = Filter(AGENT, "evaluation")
            whole_ms: list[float] = []
            cpu_ms: list[float] = []
            embedding_ms: list[float] = []
            for each in asked:
                turns = each.user_turns or [each.question]
                question = Query.of(turns[0], turns[1:])
                wall, cpu = await _timed(base.rank(question, scope))
                whole_ms.append(wall)
                cpu_ms.append(cpu)
                embedding_ms.append((await _timed(embedder.embed([f"{question.meaning[:-1]}!"])))[0])
        finally:
            base.close()
    return Speed(
        chunks=len(digests),
        query_ms_p50=percentile(whole_ms, 50),
        query_ms_p95=percentile(whole_ms, 95),
        query_cpu_ms_p50=percentile(cpu_ms, 50),
        query_cpu_ms_p95=percentile(cpu_ms, 95),
        embedding_ms_p50=percentile(embedding_ms, 50),
        ready_s=round(ready_s, 2),
    )


def _article(number: int, draw: random.Random, sentences: Sequence[str]) -> Article:
    sections = [
        f"## Section {number}.{place}\n\n{' '.join(draw.sample(sentences, SENTENCES_A_SECTION))[:1_100]}"
        for place in range(SECTIONS_A_DOCUMENT)
    ]
    return Article(FrontMatter(id=f"d-{number}", title=f"Document {number}"), "\n\n".join(sections))


async def _timed(work: Awaitable[object]) -> tuple[float, float]:
    """Milliseconds by the clock, and computed by all threads of the process."""
    started_s, computed_s = time.perf_counter(), time.process_time()
    await work
    return (time.perf_counter() - started_s) * 1000, (time.process_time() - computed_s) * 1000
