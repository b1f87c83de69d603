"""A specialist's database: filled once, shared by replicas, silent about its file."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from switchboard.agent.database import Database, open_database
from switchboard.contracts.errors import Unavailable

SCHEMA = """
CREATE TABLE IF NOT EXISTS seeded (marker TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS words (word TEXT NOT NULL);
"""


def fill(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM seeded")
    connection.execute("DELETE FROM words")
    connection.execute("INSERT INTO words VALUES ('one')")


def open_words(path: Path, marker: str = "1") -> Database:
    return open_database(path, "The words", SCHEMA, marker=marker, fill=fill)


def words(connection: sqlite3.Connection) -> list[str]:
    return [row["word"] for row in connection.execute("SELECT word FROM words ORDER BY rowid")]


def add(word: str) -> object:
    return lambda connection: connection.execute("INSERT INTO words VALUES (?)", (word,))


async def test_replicas_that_start_together_fill_it_once(tmp_path: Path) -> None:
    for n in range(20):
        path = tmp_path / str(n) / "words.sqlite"
        await asyncio.gather(*(asyncio.to_thread(open_words, path) for _ in range(4)))
        assert await open_words(path).run(words) == ["one"]


async def test_a_restart_keeps_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "words.sqlite"
    await open_words(path).run(add("two"))
    assert await open_words(path).run(words) == ["one", "two"]


async def test_another_marker_fills_it_anew(tmp_path: Path) -> None:
    path = tmp_path / "words.sqlite"
    await open_words(path).run(add("two"))
    assert await open_words(path, marker="2").run(words) == ["one"]


async def test_what_fails_is_undone(tmp_path: Path) -> None:
    database = open_words(tmp_path / "words.sqlite")

    def half(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO words VALUES ('half')")
        raise ValueError("the other half")

    with pytest.raises(ValueError, match="the other half"):
        await database.run(half)
    assert await database.run(words) == ["one"]


async def test_more_callers_at_once_than_idle_connections_are_all_served(tmp_path: Path) -> None:
    database = open_words(tmp_path / "words.sqlite")
    together = threading.Barrier(6, timeout=10)

    def meet(connection: sqlite3.Connection) -> list[str]:
        together.wait()
        return words(connection)

    found = await asyncio.gather(*(asyncio.to_thread(database.run_now, meet) for _ in range(6)))
    assert found == [["one"]] * 6
    database.close()
    assert await database.run(words) == ["one"]


async def test_a_database_that_is_gone_is_unavailable_and_names_no_file(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        await Database(tmp_path / "none" / "x.sqlite", "The words").run(words)
    assert caught.value.message == "The words cannot be read at the moment. Please try again shortly."
