"""The tech specialist's own SQLite database: made, and filled with the demo company once."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from switchboard.contracts.errors import Unavailable
from switchboard.demo.model import Company
from switchboard.demo.policy import PLAN_BY_ID

SCHEMA = (Path(__file__).parent / "data" / "schema.sql").read_text(encoding="utf-8")
BUSY_TIMEOUT_S = 5.0

T = TypeVar("T")


class Database:
    """One file, shared by the replicas on a machine: WAL, one short transaction a call, each in a worker thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work` in one write-ready transaction. Raises `Unavailable` when the file cannot be used in time."""
        return await asyncio.to_thread(self.run_now, work)

    def run_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`run` for callers that are not in an event loop yet."""
        try:
            with closing(sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S)) as connection:
                connection.row_factory = sqlite3.Row
                with connection:
                    return work(connection)
        except sqlite3.OperationalError as error:
            raise Unavailable(
                "The technical records cannot be read at the moment. Please try again shortly."
            ) from error


def open_database(path: Path, company: Callable[[], Company]) -> Database:
    """The database at `path`; made and filled where it is new. `company` is called only then.

    Replicas that start together wait for the one that fills it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    database = Database(path)

    def prepare(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(SCHEMA)
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("SELECT 1 FROM seeded").fetchone() is None:
            _fill(connection, company())

    database.run_now(prepare)
    return database


def _fill(connection: sqlite3.Connection, company: Company) -> None:
    tenant_of = {customer.id: customer.tenant for customer in company.customers}
    line_of = {line.id: line for line in company.lines}
    connection.executemany(
        "INSERT INTO customers VALUES (?, ?, ?, ?)",
        [(c.id, c.tenant, c.name, c.town) for c in company.customers],
    )
    connection.executemany(
        "INSERT INTO devices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                d.id, tenant_of[d.customer_id], d.customer_id, d.line_id, line_of[d.line_id].kind, line_of[d.line_id].number,
                PLAN_BY_ID[line_of[d.line_id].plan_id].name, d.name, d.serial, d.since.isoformat(),
            )
            for d in company.devices
        ],
    )  # fmt: skip
    connection.executemany(
        "INSERT INTO line_statuses VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                s.line_id, tenant_of[s.customer_id], s.customer_id, s.router, s.router_serial, s.firmware, s.led, int(s.online),
                s.sync_down_mbps, s.sync_up_mbps, s.plan_down_mbps, s.packet_loss_percent, s.latency_ms, s.reboots_24h,
                s.last_outage_at.isoformat() if s.last_outage_at else None, s.incident_id, s.tested_at.isoformat(),
            )
            for s in company.line_statuses
        ],
    )  # fmt: skip
    connection.executemany(
        "INSERT INTO incidents VALUES (?, ?, ?, ?, ?, ?)",
        [
            (i.id, i.tenant, i.town, i.description, i.started_at.isoformat(), i.expected_fix_at.isoformat())
            for i in company.incidents
        ],
    )
    connection.executemany(
        "INSERT INTO tickets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
        [
            (
                int(t.id.removeprefix("TCK-")), t.tenant, t.customer_id, t.line_id, t.category, t.subject, t.status,
                t.opened_on.isoformat(), t.updated_on.isoformat(), t.note,
            )
            for t in company.tickets
        ],
    )  # fmt: skip
    connection.execute("INSERT INTO seeded VALUES (?)", (f"{company.seed}|{company.today.isoformat()}",))
