"""The product specialist's own SQLite database: filled with the demo company."""

import json
import sqlite3
from datetime import date
from pathlib import Path
from typing import Final

from switchboard.agent.database import Database, open_database
from switchboard.demo.company import company
from switchboard.demo.model import Company
from switchboard.demo.policy import PLANS

SCHEMA: Final = (Path(__file__).parent / "data" / "schema.sql").read_text(encoding="utf-8")
SEED_VERSION: Final = 1
"""Raised when the generator's data changes, so that a database of before is filled anew."""


def catalogue_database(path: Path, seed: int, today: date) -> Database:
    """The database at `path`, with the demo company of `seed` on `today` in it."""
    return open_database(
        path,
        "The catalogue",
        SCHEMA,
        marker=f"{SEED_VERSION}|{seed}|{today.isoformat()}",
        fill=lambda connection: _fill(connection, company(seed, today)),
    )


def _fill(connection: sqlite3.Connection, data: Company) -> None:
    for table in ("seeded", "lines", "plans", "specifications", "sold_by", "products"):
        connection.execute(f"DELETE FROM {table}")
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
