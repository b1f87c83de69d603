"""What the SQLite index scans for a query, held in memory: row numbers, vectors, and who may read which row."""

import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from switchboard.knowledge.indexes.bm25 import Bm25Scores
from switchboard.knowledge.indexes.port import NEAREST_QUESTIONS, Filter, Hit, Vectors

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

FTS_CHUNKS_MAX = 5_000
"""FTS5 scores every chunk that has one of the words: beyond this it takes longer than all the rest of a query."""
MASKS_MAX = 256
COARSE_ROWS_MIN = 20_000
"""Beyond this a scan reads the vectors' principal components, a third of their size, and the whole vectors of the
best only: the time of a scan is that of reading memory."""
COARSE_DIMENSIONS = 128
COARSE_TIMES = 10
SAMPLE_ROWS = 4_000


class Generation(NamedTuple):
    """Counts of the changes that the file has seen."""

    chunks: int
    vectors: int


class QuestionVectors(NamedTuple):
    """Of the chunks with questions."""

    places: Rows
    """Of the chunks, among the snapshot's rows."""
    starts: Rows
    """Where each chunk's questions begin in `matrix`."""
    matrix: Vectors

    def nearness(self, vector: Vectors) -> Vectors:
        """A chunk's mean cosine to its nearest questions, shape (len(places),)."""
        cosines = self.matrix @ vector
        ends = np.append(self.starts[1:], len(cosines))
        table = np.full((len(self.places), int((ends - self.starts).max())), np.nan, dtype=np.float32)
        columns = np.arange(len(cosines)) - np.repeat(self.starts, ends - self.starts)
        table[np.repeat(np.arange(len(self.places)), ends - self.starts), columns] = cosines
        nearest = -np.sort(-table, axis=1)[:, :NEAREST_QUESTIONS]  # NaN sorts last
        return np.nanmean(nearest, axis=1)


class Snapshot:
    """Built for one generation of the file and never older; filled as queries need it. Guard it with the index's lock."""

    def __init__(self, generation: Generation, rows: Rows, large: Bm25Scores | None) -> None:
        self.generation = generation
        self.rows = rows
        self.large = large
        self._matrix: Vectors | None = None
        self._questions: QuestionVectors | None = None
        self._model_id: str | None = None
        self._axes: Vectors | None = None
        self._coarse: Vectors | None = None
        self._masks: dict[Filter, Mask | None] = {}

    def allowed(self, connection: sqlite3.Connection, scope: Filter) -> Mask | None:
        """True where a row is in `scope`; None means every row."""
        if scope not in self._masks:
            if len(self._masks) >= MASKS_MAX:
                self._masks.clear()
            where, values = condition(scope)
            found = connection.execute(f"SELECT c.row FROM chunks c WHERE {where}", values).fetchall()
            mask = np.isin(self.rows, np.array([row for (row,) in found], dtype=np.int64), assume_unique=True)
            self._masks[scope] = None if mask.all() else mask
        return self._masks[scope]

    def matrix(self, connection: sqlite3.Connection, model_id: str) -> Vectors | None:
        """A vector a row; zeros where a row has none. None where no row has one of this model."""
        if self._model_id != model_id:
            self._matrix, self._model_id = _matrix(connection, self.rows, model_id), model_id
            self._questions = _question_vectors(connection, self.rows, model_id)
            if self._matrix is not None and len(self._matrix) > COARSE_ROWS_MIN:
                self._axes = _principal_axes(self._matrix)
                self._coarse = self._matrix @ self._axes.T
        return self._matrix

    def nearest(self, matrix: Vectors, vector: Vectors, allowed: Mask | None, limit: int) -> list[Hit]:
        if self._axes is not None and self._coarse is not None:
            turned: Vectors = self._axes @ vector
            near = _masked((self._coarse @ turned).astype(np.float32, copy=False), allowed)
            rows = np.sort(_top(near, limit * COARSE_TIMES))
            cosines = np.full(len(matrix), -2.0, dtype=np.float32)
            cosines[rows] = np.where(near[rows] > -2.0, matrix[rows] @ vector, -2.0)
        else:
            cosines = matrix @ vector
        if self._questions is not None:
            cosines[self._questions.places] = np.maximum(
                cosines[self._questions.places], self._questions.nearness(vector)
            )
        cosines = _masked(cosines, allowed)
        best = _top(cosines, limit)
        best = best[np.argsort(-cosines[best], kind="stable")]
        return [Hit(str(self.rows[place]), float(cosines[place])) for place in best if cosines[place] > -2.0]


def read(connection: sqlite3.Connection, generation: Generation, last: Snapshot | None) -> Snapshot:
    """A snapshot of the file as it is now. `last` gives what has not changed."""
    if last is not None and last.generation.chunks == generation.chunks:
        return Snapshot(generation, last.rows, last.large)
    rows = np.array([row for (row,) in connection.execute("SELECT row FROM chunks ORDER BY row")], dtype=np.int64)
    return Snapshot(generation, rows, Bm25Scores.build(connection, rows) if len(rows) > FTS_CHUNKS_MAX else None)


def condition(scope: Filter) -> tuple[str, tuple[Any, ...]]:
    """A filter as SQL over `chunks c`, and its values."""
    parts: Mapping[str, tuple[Any, ...]] = {
        "c.agent = ?": (scope.agent,),
        "(c.tenants = '[]' OR EXISTS (SELECT 1 FROM json_each(c.tenants) WHERE value = ?))": (scope.tenant,),
        "c.language = ?": (scope.language,),
        "(c.valid_from IS NULL OR c.valid_from <= ?) AND (c.valid_until IS NULL OR c.valid_until >= ?)": (
            (scope.on.isoformat(),) * 2 if scope.on is not None else (None,)
        ),
    }
    given = {sql: values for sql, values in parts.items() if values[0] is not None}
    return " AND ".join(given) or "1", tuple(value for values in given.values() for value in values)


def _masked(scores: Vectors, allowed: Mask | None) -> Vectors:
    return scores if allowed is None else np.where(allowed, scores, np.float32(-2.0))


def _top(scores: Vectors, limit: int) -> Rows:
    """Places of the best scores, in no order."""
    return np.argpartition(-scores, limit - 1)[:limit] if len(scores) > limit else np.arange(len(scores))


def _principal_axes(matrix: Vectors) -> Vectors:
    """The COARSE_DIMENSIONS directions along which the vectors differ most, from evenly chosen rows."""
    some = matrix[:: max(1, len(matrix) // SAMPLE_ROWS)]
    _, directions = np.linalg.eigh(some.T @ some)  # in ascending order; cosines are about the origin, not the mean
    return np.ascontiguousarray(directions[:, ::-1][:, :COARSE_DIMENSIONS].T, dtype=np.float32)


def _matrix(connection: sqlite3.Connection, rows: Rows, model_id: str) -> Vectors | None:
    found = connection.execute(
        "SELECT c.row, v.vector FROM chunks c JOIN vectors v ON v.digest = c.digest WHERE v.model_id = ? ORDER BY c.row",
        (model_id,),
    )
    matrix: Vectors | None = None
    for row, blob in found:
        vector = np.frombuffer(blob, dtype="<f4")
        if matrix is None:
            matrix = np.zeros((len(rows), len(vector)), dtype=np.float32)
        matrix[np.searchsorted(rows, row)] = vector
    return matrix


def _question_vectors(connection: sqlite3.Connection, rows: Rows, model_id: str) -> QuestionVectors | None:
    found = connection.execute(
        "SELECT q.chunk, v.vector FROM questions q JOIN vectors v ON v.digest = q.digest "
        "WHERE v.model_id = ? ORDER BY q.chunk",
        (model_id,),
    ).fetchall()
    if not found:
        return None
    chunks, starts = np.unique(np.array([chunk for chunk, _ in found], dtype=np.int64), return_index=True)
    matrix = np.frombuffer(b"".join(blob for _, blob in found), dtype="<f4").reshape(len(found), -1)
    return QuestionVectors(np.searchsorted(rows, chunks), starts.astype(np.int64), matrix)
