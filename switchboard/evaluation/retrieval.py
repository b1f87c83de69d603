"""Retrieval measured on dialogues: is the document that answers the turn found, and the span that is cited right?

The questions go through the same `KnowledgeBase` as an agent's. Recall is that of documents: a document's rank is that
of its best chunk. The agent's own turns are never used, in either mode.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel

from switchboard.contracts.errors import BadConfiguration
from switchboard.evaluation.dialogues import Asked, Document, read_documents, read_questions
from switchboard.knowledge.base import KnowledgeBase
from switchboard.knowledge.index import Filter
from switchboard.knowledge.question import Question
from switchboard.knowledge.retrieval import Embedder, Found
from switchboard.knowledge.sqlite_index import SqliteIndex

AGENT = "evaluation"
PROGRESS_EVERY = 200
Progress = Callable[[str], None]


class Scores(BaseModel):
    """Shares, 0 to 1."""

    recall_at_1: float
    recall_at_5: float
    cited_span_f1: float
    """Overlap in characters of what would be cited first and the gold spans; 0 where the document is another."""


class RetrievalResult(BaseModel):
    """`recall_*` are those with the user's earlier turns."""

    recall_at_1: float
    recall_at_5: float
    cited_span_f1: float
    last_turn_only: Scores
    query_ms_p50: float
    query_ms_p95: float
    documents: int
    chunks: int
    questions: int
    ingest_s: float


class _Tally:
    def __init__(self) -> None:
        self.count = self.first = self.within_five = 0
        self.overlap = 0.0

    def add(self, found: Sequence[Found], asked: Asked, ids: dict[str, str]) -> None:
        documents = list(dict.fromkeys(ids[each.stored.chunk.article_id] for each in found))[:5]
        self.count += 1
        self.first += documents[:1] == [asked.doc_id]
        self.within_five += asked.doc_id in documents
        if documents[:1] == [asked.doc_id]:
            chunk = found[0].stored.chunk
            self.overlap += overlap_f1((chunk.start, chunk.end), asked.gold())

    def scores(self) -> Scores:
        whole = max(1, self.count)
        return Scores(
            recall_at_1=round(self.first / whole, 4),
            recall_at_5=round(self.within_five / whole, 4),
            cited_span_f1=round(self.overlap / whole, 4),
        )


async def measure(
    documents: Sequence[Document], questions: Sequence[Asked], embedder: Embedder, progress: Progress
) -> RetrievalResult:
    """Ingests the documents into an index of its own, asks every question twice, and counts."""
    ids = {f"d-{number}": document.doc_id for number, document in enumerate(documents)}
    with tempfile.TemporaryDirectory() as folder:
        index = SqliteIndex(Path(folder) / "index.sqlite")
        base = KnowledgeBase(AGENT, index, embedder)
        try:
            started_s = time.perf_counter()
            progress(f"Ingesting {len(documents)} documents…")
            articles = [document.article(key) for key, document in zip(ids, documents, strict=True)]
            await base.ingest(articles)
            ingest_s = time.perf_counter() - started_s
            history, last = _Tally(), _Tally()
            times_ms: list[float] = []
            scope = Filter(AGENT, "evaluation")
            await base.rank(Question("warm up"), scope)
            for number, asked in enumerate(questions, start=1):
                turns = asked.user_turns or [asked.question]
                started_s = time.perf_counter()
                found = await base.rank(Question.of(turns[0], turns[1:]), scope)
                times_ms.append((time.perf_counter() - started_s) * 1000)
                history.add(found, asked, ids)
                alone = await base.rank(Question.of(turns[0]), scope) if len(turns) > 1 else found
                last.add(alone, asked, ids)
                if number % PROGRESS_EVERY == 0:
                    progress(f"{number} of {len(questions)} questions")
            scores = history.scores()
            return RetrievalResult(
                **scores.model_dump(),
                last_turn_only=last.scores(),
                query_ms_p50=round(statistics.median(times_ms), 2),
                query_ms_p95=round(percentile(times_ms, 95), 2),
                documents=len(documents),
                chunks=sum(len(article.chunks()) for article in articles),
                questions=len(questions),
                ingest_s=round(ingest_s, 2),
            )
        finally:
            base.close()


def read(docs: Path, qa: Path, limit: int | None = None) -> tuple[list[Document], list[Asked]]:
    """Documents and questions. Raises `BadConfiguration` where a file cannot be read, or holds nothing."""
    documents, questions = read_documents(docs), read_questions(qa)[:limit]
    for path, content in ((docs, documents), (qa, questions)):
        if not content:
            raise BadConfiguration(f"{path} holds no line.")
    return documents, questions


def overlap_f1(span: tuple[int, int], gold: Sequence[tuple[int, int]]) -> float:
    """F1 over characters of one span and several gold ones."""
    wanted = {place for start, end in gold for place in range(start, end)}
    common = sum(1 for place in range(*span) if place in wanted)
    if not common:
        return 0.0
    precision, recall = common / (span[1] - span[0]), common / len(wanted)
    return 2 * precision * recall / (precision + recall)


def percentile(values: Sequence[float], percent: float) -> float:
    """By the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(percent / 100 * len(ordered)) - 1))]
