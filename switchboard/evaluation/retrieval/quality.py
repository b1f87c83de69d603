"""Retrieval measured on dialogues: is the document that answers the turn found, and the span that is cited right?

The questions go through the same `KnowledgeBase` as an agent's. Recall is that of documents: a document's rank is that
of its best chunk. The agent's own turns are never used, in either mode.
"""

import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from switchboard.agent.citations import Passages
from switchboard.contracts.errors import BadConfiguration
from switchboard.evaluation.retrieval.dialogues import Asked, Document, Split, read_documents, read_questions, split_of
from switchboard.evaluation.statistics import percentile
from switchboard.knowledge.base import PASSAGES_MAX, KnowledgeBase, near, passage_of
from switchboard.knowledge.indexes.port import Filter
from switchboard.knowledge.indexes.sqlite import SqliteIndex
from switchboard.knowledge.retrieval.follow_ups import earlier_of
from switchboard.knowledge.retrieval.hybrid import RankedChunk
from switchboard.knowledge.retrieval.query import Query
from switchboard.models.embedded.answering.extraction import SUPPORT_MIN, Extractor
from switchboard.models.embedded.answering.units import NumberedPassage
from switchboard.models.minilm import MiniLmEmbedder

AGENT = "evaluation"
PROGRESS_EVERY = 200
SPAN_QUESTIONS_MAX = 200
Progress = Callable[[str], None]
Citing = Callable[[str, Sequence[RankedChunk]], Awaitable[list[tuple[str, tuple[int, int]]]]]


class Scores(BaseModel):
    """Shares, 0 to 1."""

    recall_at_1: float
    recall_at_5: float
    cited_span_f1: float
    """Overlap in characters of what the embedded model's answer cites and the gold spans, over SPAN_QUESTIONS_MAX
    questions spread evenly; 0 where it cites another document or says that it does not know."""


class RetrievalResult(BaseModel):
    """`recall_*` and `cited_span_f1` are those with the user's earlier turns."""

    recall_at_1: float
    recall_at_5: float
    cited_span_f1: float
    last_turn_only: Scores
    rewritten: Scores
    """With those earlier turns that the rules of `knowledge.rewriting` take, as a running agent does."""
    query_ms_p50: float
    query_ms_p95: float
    documents: int
    chunks: int
    questions: int
    ingest_s: float


class _Tally:
    def __init__(self, ids: Mapping[str, str], citing: Citing) -> None:
        self.count = self.first = self.within_five = self.cited = 0
        self.overlap = 0.0
        self._ids, self._citing = ids, citing

    async def add(self, found: Sequence[RankedChunk], asked: Asked, question: str, *, cite: bool) -> None:
        ids = self._ids
        documents = list(dict.fromkeys(ids[each.stored.chunk.article_id] for each in found))[:5]
        self.count += 1
        self.first += documents[:1] == [asked.doc_id]
        self.within_five += asked.doc_id in documents
        if cite:
            self.cited += 1
            spans = await self._citing(question, found)
            self.overlap += overlap_f1([span for key, span in spans if ids[key] == asked.doc_id], asked.gold())

    def scores(self) -> Scores:
        whole = max(1, self.count)
        return Scores(
            recall_at_1=round(self.first / whole, 4),
            recall_at_5=round(self.within_five / whole, 4),
            cited_span_f1=round(self.overlap / max(1, self.cited), 4),
        )


async def measure(
    documents: Sequence[Document], questions: Sequence[Asked], embedder: MiniLmEmbedder, progress: Progress
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
            citing = spans_cited(embedder)
            history, last, rewritten = (_Tally(ids, citing) for _ in range(3))
            every = max(1, len(questions) // SPAN_QUESTIONS_MAX)
            times_ms: list[float] = []
            scope = Filter(AGENT, "evaluation")
            await base.rank(Query("warm up"), scope)
            for number, asked in enumerate(questions, start=1):
                turns = asked.user_turns or [asked.question]
                started_s = time.perf_counter()
                found = await base.rank(Query.of(turns[0], turns[1:]), scope)
                times_ms.append((time.perf_counter() - started_s) * 1000)
                cite = number % every == 0
                await history.add(found, asked, turns[0], cite=cite)
                alone = await base.rank(Query.of(turns[0]), scope) if len(turns) > 1 else found
                await last.add(alone, asked, turns[0], cite=cite)
                earlier = earlier_of(turns[0], turns[1:])
                again = await base.rank(Query.of(turns[0], earlier), scope) if earlier else alone
                await rewritten.add(again, asked, turns[0], cite=cite)
                if number % PROGRESS_EVERY == 0:
                    progress(f"{number} of {len(questions)} questions")
            scores = history.scores()
            return RetrievalResult(
                **scores.model_dump(),
                last_turn_only=last.scores(),
                rewritten=rewritten.scores(),
                query_ms_p50=percentile(times_ms, 50),
                query_ms_p95=percentile(times_ms, 95),
                documents=len(documents),
                chunks=sum(len(article.chunks()) for article in articles),
                questions=len(questions),
                ingest_s=round(ingest_s, 2),
            )
        finally:
            base.close()


def read(
    docs: Path, qa: Path, split: Split = Split.ALL, limit: int | None = None
) -> tuple[list[Document], list[Asked]]:
    """All documents, and the questions of a split. Raises `BadConfiguration` where a file cannot be read, or holds
    nothing."""
    documents = read_documents(docs)
    questions = [each for each in read_questions(qa) if split in (Split.ALL, split_of(each.doc_id))][:limit]
    for path, content in ((docs, documents), (qa, questions)):
        if not content:
            raise BadConfiguration(f"{path} holds no line.")
    return documents, questions


def spans_cited(embedder: MiniLmEmbedder) -> Citing:
    """What the embedded model's answer cites, by the code of a running agent: article id and span, in order."""
    extractor = Extractor(embedder, embedder.rarity)

    async def citing(question: str, found: Sequence[RankedChunk]) -> list[tuple[str, tuple[int, int]]]:
        passages = Passages(AGENT)
        numbered = passages.number([passage_of(each) for each in near(found)[:PASSAGES_MAX]])
        extract = await extractor.extract(
            question, [NumberedPassage(each.n, each.title, each.text) for each in numbered]
        )
        if extract.support < SUPPORT_MIN:
            return []
        list(passages.read(extract.text))
        return [(each.document, (each.start, each.end)) for each in passages.cited]

    return citing


def overlap_f1(spans: Sequence[tuple[int, int]], gold: Sequence[tuple[int, int]]) -> float:
    """F1 over the characters of two sets of spans."""
    given = {place for start, end in spans for place in range(start, end)}
    wanted = {place for start, end in gold for place in range(start, end)}
    common = len(given & wanted)
    if not common:
        return 0.0
    precision, recall = common / len(given), common / len(wanted)
    return 2 * precision * recall / (precision + recall)
