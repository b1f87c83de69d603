"""A specialist's own SQLite database: one file, made and filled once, shared by the replicas on a machine."""

import asyncio
import fcntl
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Final, TypeVar

from switchboard.contracts.errors import Unavailable

BUSY_TIMEOUT_S: Final = 5.0
IDLE_CONNECTIONS_MAX: Final = 4
"""Kept open between calls: opening one and reading the schema again costs more than most queries."""

T = TypeVar("T")


class Database:
    """WAL, one short transaction a call, each in a worker thread. `records` names the data to a user who cannot read it."""

    def __init__(self, path: Path, records: str) -> None:
        self._path = path
        self._unreadable = f"{records} cannot be read at the moment. Please try again shortly."
        self._idle: LifoQueue[sqlite3.Connection] = LifoQueue(IDLE_CONNECTIONS_MAX)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work` in one transaction. Raises `Unavailable` when the file cannot be used in time."""
        return await asyncio.to_thread(self.run_now, work)

    def run_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`run` for callers that are not in an event loop yet."""
        try:
            with self._connection() as connection, connection:
                return work(connection)
        except sqlite3.OperationalError as error:
            raise Unavailable(self._unreadable) from error

    @contextmanager
    def _connection(self) -> Generator[sqlite3.Connection]:
        try:
            connection = self._idle.get_nowait()
        except Empty:
            connection = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
            connection.row_factory = sqlite3.Row
        try:
            yield connection
        except BaseException:
            # What failed may be the connection itself.
            connection.close()
            raise
        if self._idle.full():
            connection.close()
        else:
            self._idle.put(connection)

    def close(self) -> None:
        """Closes what is idle. A later call opens anew."""
        while not self._idle.empty():
            self._idle.get_nowait().close()


def open_database(
    path: Path, records: str, schema: str, *, marker: str, fill: Callable[[sqlite3.Connection], None]
) -> Database:
    """The database at `path`, made by `schema` and filled where it does not carry `marker` yet.

    `schema` may run again and again, and has a table `seeded (marker)`; `fill` empties the tables it fills, `seeded`
    too. Replicas that start together wait for the one that fills it. Raises `Unavailable` when the file cannot be used.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    database = Database(path, records)

    def prepare(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(schema)
        connection.execute("BEGIN IMMEDIATE")
        row = connection.execute("SELECT marker FROM seeded").fetchone()
        if row is None or row["marker"] != marker:
            fill(connection)
            connection.execute("INSERT INTO seeded VALUES (?)", (marker,))

    # SQLite's busy timeout does not hold for the change to WAL: the first of several openers would fail the others.
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        database.run_now(prepare)
    return database
