"""The product specialist's own SQLite database: made, and filled with the demo company once."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Final, TypeVar

from switchboard.contracts.errors import Unavailable
from switchboard.demo.company import company
from switchboard.demo.policy import PLANS

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
            raise Unavailable("The catalogue cannot be read at the moment. Please try again shortly.") from error


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
    for table in ("seeded", "lines", "plans", "specifications", "sold_by", "products"):
        connection.execute(f"DELETE FROM {table}")
    data = company(seed, today)
    connection.executemany(
        "INSERT INTO products VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (p.id, position, p.name, p.category, p.brand, p.price_pence, int(p.monthly), p.summary)
            for position, p in enumerate(data.products)
        ],
    )
    connection.executemany(
        "INSERT INTO sold_by VALUES (?, ?)", [(tenant, p.id) for p in data.products for tenant in p.tenants]
    )
    connection.executemany(
        "INSERT INTO specifications VALUES (?, ?, ?, ?, ?, ?)",
        [
            (p.id, position, s.name, json.dumps(s.value), s.unit, s.better)
            for p in data.products
            for position, s in enumerate(p.specifications)
        ],
    )
    connection.executemany(
        "INSERT INTO plans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                p.id, p.tenant, p.kind, p.name, p.price_pence, p.contract_months, p.data_gb, int(p.europe_roaming_included),
                p.network, p.download_mbps, p.upload_mbps,
            )
            for p in PLANS
        ],
    )  # fmt: skip
    tenant_of = {customer.id: customer.tenant for customer in data.customers}
    used: dict[str, list[float]] = {}
    for row in data.usage:
        used.setdefault(row.line_id, []).append(row.data_gb)
    connection.executemany(
        "INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                line.id, tenant_of[line.customer_id], line.customer_id, line.number, line.plan_id,
                round(sum(used[line.id]) / len(used[line.id]), 1) if line.id in used else None,
            )
            for line in data.lines
        ],
    )  # fmt: skip
