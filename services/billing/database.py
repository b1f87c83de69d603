"""The billing specialist's own SQLite database: made, and filled with the demo company once."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Final, TypeVar

from switchboard.contracts.errors import Unavailable
from switchboard.demo.company import company

SCHEMA: Final = (Path(__file__).parent / "data" / "schema.sql").read_text(encoding="utf-8")
SEED_VERSION: Final = 1
"""Raised when the generator's data changes, so that a database of before is filled anew."""
BUSY_TIMEOUT_S: Final = 5.0

T = TypeVar("T")


class Database:
    """One file, shared by the replicas on a machine: WAL, one short transaction a call, each in a worker thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work` in one transaction. Raises `Unavailable` when the file cannot be used in time."""
        return await asyncio.to_thread(self.run_now, work)

    def run_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`run` for callers that are not in an event loop yet."""
        try:
            with closing(sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S)) as connection:
                connection.row_factory = sqlite3.Row
                with connection:
                    return work(connection)
        except sqlite3.OperationalError as error:
            raise Unavailable("The billing records cannot be read at the moment. Please try again shortly.") from error


def open_database(path: Path, seed: int, today: date) -> Database:
    """The database at `path`, filled with the demo company of `seed` on `today` where that is not in it yet.

    Replicas that start together wait for the one that fills it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    database = Database(path)
    marker = f"{SEED_VERSION}|{seed}|{today.isoformat()}"

    def prepare(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(SCHEMA)
        connection.execute("BEGIN IMMEDIATE")
        row = connection.execute("SELECT marker FROM seeded").fetchone()
        if row is None or row["marker"] != marker:
            _fill(connection, seed, today)
            connection.execute("INSERT INTO seeded VALUES (?)", (marker,))

    database.run_now(prepare)
    return database


def _fill(connection: sqlite3.Connection, seed: int, today: date) -> None:
    for table in ("seeded", "refunds", "payments", "charges", "invoices", "accounts"):
        connection.execute(f"DELETE FROM {table}")
    data = company(seed, today)
    connection.executemany(
        "INSERT INTO accounts VALUES (?, ?, ?)", [(c.tenant, c.id, c.payment_method) for c in data.customers]
    )
    connection.executemany(
        "INSERT INTO invoices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                i.id, i.tenant, i.customer_id, i.month, i.issued_on.isoformat(), i.due_on.isoformat(),
                i.period_start.isoformat(), i.period_end.isoformat(), i.total_pence,
            )
            for i in data.invoices
        ],
    )  # fmt: skip
    connection.executemany(
        "INSERT INTO charges VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (i.id, position, c.kind, c.label, c.amount_pence, c.detail, c.line_id)
            for i in data.invoices
            for position, c in enumerate(i.charges)
        ],
    )
    connection.executemany(
        "INSERT INTO payments VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                p.id, p.tenant, p.customer_id, p.invoice_id, p.paid_on.isoformat(), p.amount_pence, p.method,
                int(p.status == "settled"),
            )
            for p in data.payments
        ],
    )  # fmt: skip
    connection.executemany(
        "INSERT INTO refunds VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
        [
            (
                int(r.id.removeprefix("REF-")), r.tenant, r.customer_id, r.payment_id, r.amount_pence, r.status, r.reason,
                r.requested_on.isoformat(),
            )
            for r in data.refunds
        ],
    )  # fmt: skip
