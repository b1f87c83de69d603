"""An agent's articles in SQLite: chunks with their vectors, and an FTS5 index for BM25.

Several replicas may share the file: what changes is written in one immediate transaction, and writing the same
articles twice changes nothing.
"""

import hashlib
import json
import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from switchboard.knowledge.article import Article, Chunk

Vectors = NDArray[np.float32]

BUSY_TIMEOUT_S = 10.0
QUERY_WORDS_MAX = 32
SCHEMA_VERSION = 1
"""Raise it when the tables change; a file of another version is emptied, it holds nothing that cannot be made again."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS articles (id TEXT PRIMARY KEY, digest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS chunks (
  id INTEGER PRIMARY KEY, article_id TEXT NOT NULL, title TEXT NOT NULL, heading TEXT NOT NULL,
  start INTEGER NOT NULL, "end" INTEGER NOT NULL, text TEXT NOT NULL, tenants TEXT NOT NULL, digest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS vectors (
  digest TEXT NOT NULL, model_id TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (digest, model_id));
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (title, heading, tags, text, tokenize = 'porter unicode61');
"""
# A word of a title says more about a chunk than the same word of its text.
BM25 = "bm25(words, 4.0, 3.0, 2.0, 1.0)"
WORD = re.compile(r"[^\W_]+")
STOP_WORDS = frozenset(
    [
        "a",
        "about",
        "after",
        "again",
        "all",
        "also",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "doing",
        "for",
        "from",
        "get",
        "got",
        "had",
        "has",
        "have",
        "having",
        "he",
        "her",
        "here",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "just",
        "like",
        "me",
        "more",
        "my",
        "no",
        "not",
        "now",
        "of",
        "off",
        "on",
        "or",
        "our",
        "out",
        "please",
        "she",
        "should",
        "so",
        "some",
        "tell",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "too",
        "up",
        "us",
        "very",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)


@dataclass(frozen=True, slots=True)
class StoredChunk:
    row: int
    chunk: Chunk
    tenants: frozenset[str]
    digest: str
    """Of the text that is embedded."""


class KnowledgeStore:
    """One agent's file. Its methods block; they may be called from several threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        with self._writing() as connection:
            if connection.execute("PRAGMA user_version").fetchone()[0] not in (0, SCHEMA_VERSION):
                for table in ("articles", "chunks", "vectors", "words"):
                    connection.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in SCHEMA.split(";\n"):
                if statement.strip():
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def sync(self, articles: Sequence[Article]) -> None:
        """Makes the file hold exactly these articles; unchanged ones are not touched, nor are their vectors."""
        with self._writing() as connection:
            known = dict(connection.execute("SELECT id, digest FROM articles").fetchall())
            wanted = {article.id: article for article in articles}
            for gone in known.keys() - wanted.keys():
                self._remove(connection, gone)
            for article in articles:
                if known.get(article.id) != (digest := article.digest()):
                    self._remove(connection, article.id)
                    self._add(connection, article)
                    connection.execute("INSERT INTO articles VALUES (?, ?)", (article.id, digest))
            connection.execute("DELETE FROM vectors WHERE digest NOT IN (SELECT digest FROM chunks)")

    def chunks(self) -> list[StoredChunk]:
        query = 'SELECT id, article_id, title, heading, start, "end", text, tenants, digest FROM chunks ORDER BY id'
        with self._lock:
            rows = self._connection.execute(query).fetchall()
        return [StoredChunk(row[0], Chunk(*row[1:7]), frozenset(json.loads(row[7])), row[8]) for row in rows]

    def vectors(self, model_id: str) -> dict[str, Vectors]:
        """Vectors of one model, by digest."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT digest, vector FROM vectors WHERE model_id = ?", (model_id,)
            ).fetchall()
        return {digest: np.frombuffer(blob, dtype="<f4") for digest, blob in rows}

    def add_vectors(self, model_id: str, digests: Sequence[str], vectors: Vectors) -> None:
        """Keeps new vectors, and drops those of any other model: spaces are never mixed."""
        rows = [
            (digest, model_id, vector.astype("<f4").tobytes()) for digest, vector in zip(digests, vectors, strict=True)
        ]
        with self._writing() as connection:
            connection.execute("DELETE FROM vectors WHERE model_id <> ?", (model_id,))
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

    def by_words(self, query: str, limit: int) -> list[tuple[int, float]]:
        """Rows of chunks that share words with `query`, best first, with their BM25 score (higher is better)."""
        words = content_words(query)[:QUERY_WORDS_MAX]
        if not words:
            return []
        match = " OR ".join(f'"{word}"' for word in words)
        with self._lock:
            rows = self._connection.execute(
                f"SELECT rowid, -{BM25} FROM words WHERE words MATCH ? ORDER BY {BM25} LIMIT ?", (match, limit)
            ).fetchall()
        return [(int(row), float(score)) for row, score in rows]

    def _add(self, connection: sqlite3.Connection, article: Article) -> None:
        front = article.front
        for chunk in article.chunks():
            digest = hashlib.sha256(embedded_text(chunk).encode()).hexdigest()
            cursor = connection.execute(
                'INSERT INTO chunks (article_id, title, heading, start, "end", text, tenants, digest) '
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    article.id,
                    chunk.title,
                    chunk.heading,
                    chunk.start,
                    chunk.end,
                    chunk.text,
                    json.dumps(front.tenants),
                    digest,
                ),
            )
            connection.execute(
                "INSERT INTO words (rowid, title, heading, tags, text) VALUES (?, ?, ?, ?, ?)",
                (cursor.lastrowid, chunk.title, chunk.heading, " ".join(front.tags), chunk.text),
            )

    def _remove(self, connection: sqlite3.Connection, article_id: str) -> None:
        rows = connection.execute("SELECT id FROM chunks WHERE article_id = ?", (article_id,)).fetchall()
        connection.executemany("DELETE FROM words WHERE rowid = ?", rows)
        connection.execute("DELETE FROM chunks WHERE article_id = ?", (article_id,))
        connection.execute("DELETE FROM articles WHERE id = ?", (article_id,))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def embedded_text(chunk: Chunk) -> str:
    """What is embedded for a chunk: its place in the article says what the words are about."""
    return f"{chunk.label}\n{chunk.text}"


def content_words(text: str) -> list[str]:
    """Distinct words that say something, in order."""
    words = (match[0].lower() for match in WORD.finditer(text))
    return list(dict.fromkeys(word for word in words if word not in STOP_WORDS))
