"""BM25 over many chunks, with bm25s: scores are computed when it is built, a query only adds them up.

FTS5 scores every chunk that has one of the words, which takes longest where there are many. Building goes through all
chunks, after each sync that changes any.
"""

import sqlite3
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from switchboard.contracts.errors import BadConfiguration
from switchboard.knowledge.indexes.port import Hit
from switchboard.text.stems import stem
from switchboard.text.stop_words import STOP_WORDS
from switchboard.text.words import terms

TITLE_REPEATS = 4
HEADING_REPEATS = 3
"""A word of a title says more about a chunk than the same word of its text."""


class Bm25Scores:
    """Scores of every stem for every chunk. Immutable."""

    def __init__(self, scores: Any, stems: dict[str, int], rows: NDArray[np.int64]) -> None:
        self._scores = scores
        self._stems = stems
        self._rows = rows

    @classmethod
    def build(cls, connection: sqlite3.Connection, rows: NDArray[np.int64]) -> "Bm25Scores":
        """Reads all chunks. Raises `BadConfiguration` where the extra `ingest` is not installed."""
        try:
            bm25s: Any = import_module("bm25s")
        except ImportError as error:
            raise BadConfiguration("So many articles need bm25s: install the extra 'ingest'.") from error
        query = "SELECT d.title, c.heading, c.text FROM chunks c JOIN documents d ON d.row = c.document ORDER BY c.row"
        stems: dict[str, int] = {}
        corpus: list[list[int]] = []
        for title, heading, text in connection.execute(query):
            counted = _stems_of(title) * TITLE_REPEATS + _stems_of(heading) * HEADING_REPEATS + _stems_of(text)
            corpus.append([stems.setdefault(each, len(stems)) for each in counted])
        scores = bm25s.BM25(k1=1.2, b=0.75)
        scores.index((corpus, stems), show_progress=False)
        return cls(scores, stems, rows)

    def best(self, words: Sequence[str], allowed: NDArray[np.bool_] | None, limit: int) -> list[Hit]:
        asked = sorted({self._stems[each] for each in map(stem, words) if each in self._stems})
        if not asked:
            return []
        mask = allowed.astype(np.float32) if allowed is not None else None
        scores = self._scores.get_scores_from_ids(asked, weight_mask=mask)
        best = np.argpartition(-scores, limit - 1)[:limit] if len(scores) > limit else np.arange(len(scores))
        best = best[np.argsort(-scores[best], kind="stable")]
        return [Hit(str(self._rows[place]), float(scores[place])) for place in best if scores[place] > 0]


def _stems_of(text: str) -> list[str]:
    return [stem(term) for term in terms(text) if term not in STOP_WORDS]
