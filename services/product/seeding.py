"""The product specialist's own SQLite database: filled with the demo company."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Final

from switchboard.agent.database import Database
from switchboard.demo.catalogue import PRODUCTS
from switchboard.demo.model import Company
from switchboard.demo.seeding import Rows, Value, seeded_database
from switchboard.demo.tariff import PLANS

SCHEMA: Final = Path(__file__).parent / "data" / "schema.sql"
PRODUCT_NAMES: Final = [product.name for product in PRODUCTS]
"""All that the catalogue is filled with: a tool's examples, by which a small model knows a product's name."""


def catalogue_database(path: Path, seed: int, today: date | None) -> Database:
    """The database at `path`, with the demo company of `seed` in it, on `today` or else on its own day."""
    return seeded_database(path, "The catalogue", SCHEMA, TABLES, seed=seed, today=today)


def _products(demo: Company) -> Iterator[tuple[Value, ...]]:
    for position, each in enumerate(demo.products):
        yield (
            each.id, position, each.name, each.category, each.brand, each.price_pence, int(each.monthly), each.summary,
        )  # fmt: skip


def _sold_by(demo: Company) -> Iterator[tuple[Value, ...]]:
    for each in demo.products:
        for tenant in each.tenants:
            yield tenant, each.id


def _specifications(demo: Company) -> Iterator[tuple[Value, ...]]:
    for product in demo.products:
        for position, each in enumerate(product.specifications):
            yield product.id, position, each.name, json.dumps(each.value), each.unit, each.better


def _plans(demo: Company) -> Iterator[tuple[Value, ...]]:
    for each in PLANS:
        yield (
            each.id, each.tenant, each.kind, each.name, each.price_pence, each.contract_months, each.data_gb,
            int(each.europe_roaming_included), each.network, each.download_mbps, each.upload_mbps,
        )  # fmt: skip


def _lines(demo: Company) -> Iterator[tuple[Value, ...]]:
    tenant_of = {customer.id: customer.tenant for customer in demo.customers}
    used_gb: dict[str, list[float]] = {}
    for row in demo.usage:
        used_gb.setdefault(row.line_id, []).append(row.data_gb)
    for each in demo.lines:
        used = used_gb.get(each.id)
        mean_gb = round(sum(used) / len(used), 1) if used else None
        yield each.id, tenant_of[each.customer_id], each.customer_id, each.number, each.plan_id, mean_gb


TABLES: Final[Mapping[str, Rows]] = {
    "products": _products,
    "sold_by": _sold_by,
    "specifications": _specifications,
    "plans": _plans,
    "lines": _lines,
}
