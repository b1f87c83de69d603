"""The billing specialist's own SQLite database: filled with the demo company."""

import sqlite3
from datetime import date
from pathlib import Path
from typing import Final

from switchboard.agent.database import Database, open_database
from switchboard.demo.company import company
from switchboard.demo.model import Company

SCHEMA: Final = (Path(__file__).parent / "data" / "schema.sql").read_text(encoding="utf-8")
SEED_VERSION: Final = 1
"""Raised when the generator's data changes, so that a database of before is filled anew."""


def billing_database(path: Path, seed: int, today: date) -> Database:
    """The database at `path`, with the demo company of `seed` on `today` in it."""
    return open_database(
        path,
        "The billing records",
        SCHEMA,
        marker=f"{SEED_VERSION}|{seed}|{today.isoformat()}",
        fill=lambda connection: _fill(connection, company(seed, today)),
    )


def _fill(connection: sqlite3.Connection, data: Company) -> None:
    for table in ("seeded", "refunds", "payments", "charges", "invoices", "accounts"):
        connection.execute(f"DELETE FROM {table}")
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
