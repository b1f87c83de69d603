"""The embedded index: documents, chunks and vectors in one SQLite file, FTS5 for BM25, numpy for cosine.

Several processes may share the file. What changes is written in one immediate transaction, so another process reads
either the knowledge before a sync or the one after it.
"""

import json
import sqlite3
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from switchboard.knowledge.articles.article import Article, Chunk, digest_of, embedded_text
from switchboard.knowledge.articles.versions import kb_version
from switchboard.knowledge.indexes import snapshot
from switchboard.knowledge.indexes.port import (
    REVISIONS_MAX,
    VERSIONS_MAX,
    ChunkVectors,
    Filter,
    Hit,
    StoredChunk,
    StoredDocument,
    SyncChanges,
    Vectors,
    Version,
)
from switchboard.text.words import content_terms

BUSY_TIMEOUT_S = 10.0
QUERY_WORDS_MAX = 64
KEYS_MAX = 500
SCHEMA_VERSION = 3
"""Raise it when the tables change; a file of another version is emptied, it holds nothing that cannot be made again."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
  row INTEGER PRIMARY KEY, agent TEXT NOT NULL, id TEXT NOT NULL, version TEXT NOT NULL, title TEXT NOT NULL,
  text TEXT NOT NULL, tenants TEXT NOT NULL, live INTEGER NOT NULL, UNIQUE (agent, id, version));
CREATE TABLE IF NOT EXISTS chunks (
  row INTEGER PRIMARY KEY, document INTEGER NOT NULL, agent TEXT NOT NULL, heading TEXT NOT NULL,
  start INTEGER NOT NULL, "end" INTEGER NOT NULL, text TEXT NOT NULL, digest TEXT NOT NULL,
  tenants TEXT NOT NULL, language TEXT NOT NULL, valid_from TEXT, valid_until TEXT);
CREATE INDEX IF NOT EXISTS chunks_document ON chunks (document);
CREATE INDEX IF NOT EXISTS chunks_digest ON chunks (digest);
CREATE TABLE IF NOT EXISTS questions (chunk INTEGER NOT NULL, digest TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS questions_chunk ON questions (chunk);
CREATE TABLE IF NOT EXISTS vectors (
  digest TEXT NOT NULL, model_id TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (digest, model_id));
CREATE TABLE IF NOT EXISTS versions (
  row INTEGER PRIMARY KEY, agent TEXT NOT NULL, name TEXT NOT NULL, at TEXT NOT NULL, documents TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS generation (
  row INTEGER PRIMARY KEY CHECK (row = 1), chunks INTEGER NOT NULL, vectors INTEGER NOT NULL);
INSERT OR IGNORE INTO generation VALUES (1, 0, 0);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (title, heading, tags, text, tokenize = 'porter unicode61');
"""
TABLES = ("articles", "documents", "chunks", "questions", "vectors", "versions", "generation", "words")
# A word of a title says more about a chunk than the same word of its text.
BM25 = "bm25(words, 4.0, 3.0, 2.0, 1.0)"


class SqliteIndex:
    """Implements `KnowledgeIndex`. What a search scans is held in memory and read anew after a sync of any process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._snapshot: snapshot.Snapshot | None = None
        self._connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        with self._writing() as connection:
            if connection.execute("PRAGMA user_version").fetchone()[0] not in (0, SCHEMA_VERSION):
                for table in TABLES:
                    connection.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in SCHEMA.split(";\n"):
                if statement.strip():
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def sync(self, agent: str, articles: Sequence[Article], embedded: ChunkVectors | None = None) -> SyncChanges:
        wanted = {article.id: article for article in articles}
        versions = {article.id: article.version for article in articles}
        with self._writing() as connection:
            rows = connection.execute("SELECT id, version FROM documents WHERE agent = ? AND live", (agent,)).fetchall()
            known: dict[str, str] = dict(rows)
            removed = sorted(known.keys() - wanted.keys())
            added = sorted(wanted.keys() - known.keys())
            changed = sorted(each for each in wanted.keys() & known.keys() if known[each] != versions[each])
            if embedded is not None:
                self._keep(connection, embedded)
            for document_id in (*removed, *changed):
                self._retire(connection, agent, document_id)
            for document_id in (*added, *changed):
                self._add(connection, agent, wanted[document_id])
            name = kb_version(versions)
            if removed or added or changed or not known:
                self._record(connection, agent, name, versions)
            if removed or added or changed:
                connection.execute(
                    "DELETE FROM vectors WHERE digest NOT IN (SELECT digest FROM chunks UNION SELECT digest FROM questions)"
                )
                connection.execute("UPDATE generation SET chunks = chunks + 1")
        same = len(wanted) - len(added) - len(changed)
        return SyncChanges(name, tuple(added), tuple(changed), tuple(removed), same)

    def unembedded(self, agent: str, model_id: str) -> dict[str, str]:
        query = (
            "SELECT DISTINCT c.digest, d.title, c.heading, c.text FROM chunks c JOIN documents d ON d.row = c.document "
            "WHERE c.agent = ? AND NOT EXISTS (SELECT 1 FROM vectors v WHERE v.digest = c.digest AND v.model_id = ?)"
        )
        asked = (
            "SELECT DISTINCT q.digest, q.text FROM questions q JOIN chunks c ON c.row = q.chunk "
            "WHERE c.agent = ? AND NOT EXISTS (SELECT 1 FROM vectors v WHERE v.digest = q.digest AND v.model_id = ?)"
        )
        with self._lock:
            rows = self._connection.execute(query, (agent, model_id)).fetchall()
            questions: dict[str, str] = dict(self._connection.execute(asked, (agent, model_id)).fetchall())
        return {digest: embedded_text(title, heading, text) for digest, title, heading, text in rows} | questions

    def known(self, model_id: str, digests: Sequence[str]) -> set[str]:
        with self._lock:
            rows = self._connection.execute(
                "SELECT digest FROM vectors WHERE model_id = ? AND digest IN (SELECT value FROM json_each(?))",
                (model_id, json.dumps(list(digests))),
            ).fetchall()
        return {digest for (digest,) in rows}

    def add_vectors(self, embedded: ChunkVectors) -> None:
        with self._writing() as connection:
            self._keep(connection, embedded)

    def by_words(self, text: str, scope: Filter, limit: int) -> list[Hit]:
        words = content_terms(text)[:QUERY_WORDS_MAX]
        if not words:
            return []
        with self._lock:
            current = self._current()
            allowed = current.allowed(self._connection, scope)
            if current.large is not None:
                return current.large.best(words, allowed, limit)
            match = " OR ".join(f'"{word}"' for word in words)
            condition, values = snapshot.condition(scope)
            rows = self._connection.execute(
                f"SELECT words.rowid, -{BM25} FROM words JOIN chunks c ON c.row = words.rowid "
                f"WHERE words MATCH ? AND {condition} ORDER BY {BM25} LIMIT ?",
                (match, *values, limit),
            ).fetchall()
        return [Hit(str(row), float(score)) for row, score in rows]

    def by_meaning(self, vector: Vectors, model_id: str, scope: Filter, limit: int) -> list[Hit]:
        with self._lock:
            current = self._current()
            matrix = current.matrix(self._connection, model_id)
            allowed = current.allowed(self._connection, scope)
        if matrix is None:
            return []
        return current.nearest(matrix, vector, allowed, limit)

    def chunks(self, keys: Sequence[str], model_id: str | None = None) -> list[StoredChunk]:
        if len(keys) > KEYS_MAX:
            raise ValueError(f"At most {KEYS_MAX} chunks can be read at once.")
        marks = ", ".join("?" * len(keys))
        query = (
            'SELECT c.row, c.agent, d.version, d.id, d.title, c.heading, c.start, c."end", c.text, c.digest, v.vector '
            "FROM chunks c JOIN documents d ON d.row = c.document "
            f"LEFT JOIN vectors v ON v.digest = c.digest AND v.model_id = ? WHERE c.row IN ({marks})"
        )
        with self._lock:
            rows = self._connection.execute(query, (model_id or "", *map(int, keys))).fetchall()
        return [
            StoredChunk(
                str(row[0]),
                row[1],
                row[2],
                Chunk(*row[3:9]),
                row[9],
                np.frombuffer(row[10], "<f4") if row[10] else None,
            )
            for row in rows
        ]

    def document(self, agent: str, document_id: str, version: str | None = None) -> StoredDocument | None:
        condition, values = ("live", ()) if version is None else ("version = ?", (version,))
        query = (
            f"SELECT agent, id, version, title, text, tenants FROM documents WHERE agent = ? AND id = ? AND {condition}"
        )
        with self._lock:
            row = self._connection.execute(query, (agent, document_id, *values)).fetchone()
        if row is None:
            return None
        _, _, found, title, text, tenants = row
        return StoredDocument(agent, document_id, str(found), title, text, tuple(json.loads(tenants)))

    def titles(self, agent: str) -> dict[str, str]:
        with self._lock:
            rows = self._connection.execute(
                "SELECT id, title FROM documents WHERE agent = ? AND live ORDER BY id", (agent,)
            ).fetchall()
        return dict(rows)

    def versions(self, agent: str) -> list[Version]:
        with self._lock:
            rows = self._connection.execute(
                "SELECT name, at, documents FROM versions WHERE agent = ? ORDER BY row DESC LIMIT ?",
                (agent, VERSIONS_MAX),
            ).fetchall()
        return [Version(name, at, place == 0, json.loads(members)) for place, (name, at, members) in enumerate(rows)]

    def _current(self) -> snapshot.Snapshot:
        """The snapshot of what the file holds now. The lock is held."""
        generation = snapshot.Generation(*self._connection.execute("SELECT chunks, vectors FROM generation").fetchone())
        if self._snapshot is None or self._snapshot.generation != generation:
            self._snapshot = snapshot.read(self._connection, generation, self._snapshot)
        return self._snapshot

    def _add(self, connection: sqlite3.Connection, agent: str, article: Article) -> None:
        front = article.front
        tenants = json.dumps(front.tenants)
        connection.execute(
            "INSERT INTO documents (agent, id, version, title, text, tenants, live) VALUES (?, ?, ?, ?, ?, ?, 1) "
            "ON CONFLICT (agent, id, version) DO UPDATE SET live = 1",
            (agent, article.id, article.version, front.title, article.text, tenants),
        )
        key = (agent, article.id, article.version)
        document: int = connection.execute(
            "SELECT row FROM documents WHERE agent = ? AND id = ? AND version = ?", key
        ).fetchone()[0]
        scope = (tenants, front.language, _iso(front.valid_from), _iso(front.valid_until))
        for chunk in article.chunks():
            cursor = connection.execute(
                'INSERT INTO chunks (document, agent, heading, start, "end", text, digest, tenants, language, valid_from, '
                "valid_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (document, agent, chunk.heading, chunk.start, chunk.end, chunk.text, chunk.digest, *scope),
            )
            connection.executemany(
                "INSERT INTO questions (chunk, digest, text) VALUES (?, ?, ?)",
                [(cursor.lastrowid, digest_of(question), question) for question in chunk.questions],
            )
            connection.execute(
                "INSERT INTO words (rowid, title, heading, tags, text) VALUES (?, ?, ?, ?, ?)",
                (cursor.lastrowid, chunk.title, chunk.heading, " ".join(front.tags), chunk.text),
            )

    def _keep(self, connection: sqlite3.Connection, embedded: ChunkVectors) -> None:
        model_id = embedded.model_id
        rows = [(digest, model_id, vector.astype("<f4").tobytes()) for digest, vector in embedded.vectors.items()]
        connection.execute("DELETE FROM vectors WHERE model_id <> ?", (model_id,))
        connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)
        connection.execute("UPDATE generation SET vectors = vectors + 1")

    def _retire(self, connection: sqlite3.Connection, agent: str, document_id: str) -> None:
        """Takes the live revision out of the search; it stays readable, and the oldest beyond the bound is forgotten."""
        (row,) = connection.execute(
            "SELECT row FROM documents WHERE agent = ? AND id = ? AND live", (agent, document_id)
        ).fetchone()
        connection.execute("DELETE FROM words WHERE rowid IN (SELECT row FROM chunks WHERE document = ?)", (row,))
        connection.execute("DELETE FROM questions WHERE chunk IN (SELECT row FROM chunks WHERE document = ?)", (row,))
        connection.execute("DELETE FROM chunks WHERE document = ?", (row,))
        connection.execute("UPDATE documents SET live = 0 WHERE row = ?", (row,))
        connection.execute(
            "DELETE FROM documents WHERE row IN (SELECT row FROM documents WHERE agent = ? AND id = ? AND NOT live "
            "ORDER BY row DESC LIMIT -1 OFFSET ?)",
            (agent, document_id, REVISIONS_MAX),
        )

    def _record(self, connection: sqlite3.Connection, agent: str, name: str, versions: Mapping[str, str]) -> None:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        connection.execute(
            "INSERT INTO versions (agent, name, at, documents) VALUES (?, ?, ?, ?)",
            (agent, name, at, json.dumps(versions, sort_keys=True)),
        )
        connection.execute(
            "DELETE FROM versions WHERE row IN (SELECT row FROM versions WHERE agent = ? ORDER BY row DESC "
            "LIMIT -1 OFFSET ?)",
            (agent, VERSIONS_MAX),
        )

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def _iso(day: Any) -> str | None:
    return day.isoformat() if day is not None else None
