"""The tech specialist's own SQLite database: filled with the demo company."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Final

from switchboard.agent.database import Database
from switchboard.demo.model import Company
from switchboard.demo.seeding import Rows, Value, seeded_database
from switchboard.demo.tariff import PLAN_BY_ID

SCHEMA: Final = Path(__file__).parent / "data" / "schema.sql"


def tech_database(path: Path, seed: int, today: date | None) -> Database:
    """The database at `path`, with the demo company of `seed` in it, on `today` or else on its own day."""
    return seeded_database(path, "The technical records", SCHEMA, TABLES, seed=seed, today=today)


def _customers(demo: Company) -> Iterator[tuple[Value, ...]]:
    for each in demo.customers:
        yield each.id, each.tenant, each.name, each.town


def _devices(demo: Company) -> Iterator[tuple[Value, ...]]:
    tenant_of = {customer.id: customer.tenant for customer in demo.customers}
    line_of = {line.id: line for line in demo.lines}
    for each in demo.devices:
        line = line_of[each.line_id]
        yield (
            each.id, tenant_of[each.customer_id], each.customer_id, each.line_id, line.kind, line.number,
            PLAN_BY_ID[line.plan_id].name, each.name, each.serial, each.since.isoformat(),
        )  # fmt: skip


def _line_statuses(demo: Company) -> Iterator[tuple[Value, ...]]:
    tenant_of = {customer.id: customer.tenant for customer in demo.customers}
    for each in demo.line_statuses:
        yield (
            each.line_id, tenant_of[each.customer_id], each.customer_id, each.router, each.router_serial, each.firmware,
            each.led, int(each.online), each.sync_down_mbps, each.sync_up_mbps, each.plan_down_mbps,
            each.packet_loss_percent, each.latency_ms, each.reboots_24h,
            each.last_outage_at.isoformat() if each.last_outage_at else None, each.incident_id, each.tested_at.isoformat(),
        )  # fmt: skip


def _incidents(demo: Company) -> Iterator[tuple[Value, ...]]:
    for each in demo.incidents:
        times = each.started_at.isoformat(), each.expected_fix_at.isoformat()
        yield each.id, each.tenant, each.town, each.description, *times


def _tickets(demo: Company) -> Iterator[tuple[Value, ...]]:
    for each in demo.tickets:
        number = int(each.id.removeprefix("TCK-"))
        yield (
            number, each.tenant, each.customer_id, each.line_id, each.category, each.subject, each.status,
            each.opened_on.isoformat(), each.updated_on.isoformat(), each.note, None,
        )  # fmt: skip


TABLES: Final[Mapping[str, Rows]] = {
    "customers": _customers,
    "devices": _devices,
    "line_statuses": _line_statuses,
    "incidents": _incidents,
    "tickets": _tickets,
}
