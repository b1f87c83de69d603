"""The embedded index keeps the contract, also with bm25s, and between processes that share a file."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from switchboard.knowledge.indexes import snapshot
from switchboard.knowledge.indexes.sqlite import SqliteIndex
from switchboard.testing.knowledge_contract import (
    REFUND,
    ROUTER,
    TECH,
    KnowledgeIndexContract,
    article,
    embed,
    meaning,
    words,
)


class TestSqliteIndex(KnowledgeIndexContract):
    @pytest.fixture
    def index(self, tmp_path: Path) -> Iterator[SqliteIndex]:
        made = SqliteIndex(tmp_path / "index.sqlite")
        yield made
        made.close()


class TestSqliteIndexOfManyChunks(TestSqliteIndex):
    """As if any number of chunks were many."""

    @pytest.fixture(autouse=True)
    def many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(snapshot, "FTS_CHUNKS_MAX", 0)


def test_another_process_sees_a_sync_with_its_next_search(tmp_path: Path) -> None:
    writer, reader = SqliteIndex(tmp_path / "index.sqlite"), SqliteIndex(tmp_path / "index.sqlite")
    writer.sync("tech", [ROUTER])
    embed(writer)
    assert meaning(reader, "red light")[0] == "A red light means no signal."
    writer.sync("tech", [REFUND])
    embed(writer)
    assert words(reader, "light") == []
    assert meaning(reader, "refunded") == [REFUND.text.strip()]


def test_a_sync_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = SqliteIndex(tmp_path / "index.sqlite")
    before = index.sync("tech", [ROUTER])

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk full")

    monkeypatch.setattr(index, "_record", fail)
    with pytest.raises(sqlite3.OperationalError):
        index.sync("tech", [REFUND])
    assert [each.name for each in index.versions("tech")] == [before.version]
    assert words(index, "red light")[0] == "A red light means no signal."


def test_revisions_are_kept_up_to_their_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchboard.knowledge.indexes.sqlite.REVISIONS_MAX", 3)
    index = SqliteIndex(tmp_path / "index.sqlite")
    revisions = [article("refund", f"Within {n} days.") for n in range(6)]
    for each in revisions:
        index.sync("tech", [each])
    kept = [index.document("tech", "refund", each.version) is not None for each in revisions]
    assert kept == [False, False, True, True, True, True]


def test_a_file_of_another_schema_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    index = SqliteIndex(path)
    index.sync("tech", [REFUND])
    index.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 1")
    assert SqliteIndex(path).by_words("refunded", TECH, 5) == []


def test_the_coarse_scan_finds_what_the_whole_one_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(3)
    matrix = (draw.normal(size=(500, 12)) @ draw.normal(size=(12, 384))).astype(np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    rows = np.arange(500, dtype=np.int64)
    whole = snapshot.Snapshot(snapshot.Generation(1, 1), rows, None)
    coarse = snapshot.Snapshot(snapshot.Generation(1, 1), rows, None)
    monkeypatch.setattr(snapshot, "COARSE_ROWS_MIN", 10)
    monkeypatch.setattr(snapshot, "_matrix", lambda *_: matrix)
    monkeypatch.setattr(snapshot, "_question_vectors", lambda *_: None)
    with sqlite3.connect(":memory:") as connection:
        assert coarse.matrix(connection, "model") is matrix
    allowed = rows % 2 == 0
    for mask in (None, allowed):
        for vector in matrix[:5]:
            expected = whole.nearest(matrix, vector, mask, 10)
            found = coarse.nearest(matrix, vector, mask, 10)
            assert [hit.key for hit in found] == [hit.key for hit in expected]
            assert [hit.score for hit in found] == pytest.approx([hit.score for hit in expected], abs=1e-5)
