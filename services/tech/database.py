"""The tech specialist's own SQLite database: filled with the demo company."""

import sqlite3
from datetime import date
from pathlib import Path
from typing import Final

from switchboard.agent.database import Database, open_database
from switchboard.demo.company import company
from switchboard.demo.model import Company
from switchboard.demo.policy import PLAN_BY_ID

SCHEMA: Final = (Path(__file__).parent / "data" / "schema.sql").read_text(encoding="utf-8")
SEED_VERSION: Final = 1
"""Raised when the generator's data changes, so that a database of before is filled anew."""


def tech_database(path: Path, seed: int, today: date) -> Database:
    """The database at `path`, with the demo company of `seed` on `today` in it."""
    return open_database(
        path,
        "The technical records",
        SCHEMA,
        marker=f"{SEED_VERSION}|{seed}|{today.isoformat()}",
        fill=lambda connection: _fill(connection, company(seed, today)),
    )


def _fill(connection: sqlite3.Connection, data: Company) -> None:
    for table in ("seeded", "tickets", "incidents", "line_statuses", "devices", "customers"):
        connection.execute(f"DELETE FROM {table}")
    tenant_of = {customer.id: customer.tenant for customer in data.customers}
    line_of = {line.id: line for line in data.lines}
    connection.executemany(
        "INSERT INTO customers VALUES (?, ?, ?, ?)",
        [(c.id, c.tenant, c.name, c.town) for c in data.customers],
    )
    connection.executemany(
        "INSERT INTO devices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                d.id, tenant_of[d.customer_id], d.customer_id, d.line_id, line_of[d.line_id].kind, line_of[d.line_id].number,
                PLAN_BY_ID[line_of[d.line_id].plan_id].name, d.name, d.serial, d.since.isoformat(),
            )
            for d in data.devices
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
            for s in data.line_statuses
        ],
    )  # fmt: skip
    connection.executemany(
        "INSERT INTO incidents VALUES (?, ?, ?, ?, ?, ?)",
        [
            (i.id, i.tenant, i.town, i.description, i.started_at.isoformat(), i.expected_fix_at.isoformat())
            for i in data.incidents
        ],
    )
    connection.executemany(
        "INSERT INTO tickets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
        [
            (
                int(t.id.removeprefix("TCK-")), t.tenant, t.customer_id, t.line_id, t.category, t.subject, t.status,
                t.opened_on.isoformat(), t.updated_on.isoformat(), t.note,
            )
            for t in data.tickets
        ],
    )  # fmt: skip
