"""The billing specialist's own SQLite database: filled with the demo company."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Final

from switchboard.agent.database import Database
from switchboard.demo.model import Company
from switchboard.demo.seeding import Rows, Value, seeded_database

SCHEMA: Final = Path(__file__).parent / "data" / "schema.sql"


def billing_database(path: Path, seed: int, today: date | None) -> Database:
    """The database at `path`, with the demo company of `seed` in it, on `today` or else on its own day."""
    return seeded_database(path, "The billing records", SCHEMA, TABLES, seed=seed, today=today)


def _accounts(demo: Company) -> Iterator[tuple[Value, ...]]:
    for each in demo.customers:
        yield each.tenant, each.id, each.payment_method


def _invoices(demo: Company) -> Iterator[tuple[Value, ...]]:
    for each in demo.invoices:
        yield (
            each.id, each.tenant, each.customer_id, each.month, each.issued_on.isoformat(), each.due_on.isoformat(),
            each.period_start.isoformat(), each.period_end.isoformat(), each.total_pence,
        )  # fmt: skip


def _charges(demo: Company) -> Iterator[tuple[Value, ...]]:
    for invoice in demo.invoices:
        for position, each in enumerate(invoice.charges):
            yield invoice.id, position, each.kind, each.label, each.amount_pence, each.detail, each.line_id


def _payments(demo: Company) -> Iterator[tuple[Value, ...]]:
    for each in demo.payments:
        yield (
            each.id, each.tenant, each.customer_id, each.invoice_id, each.paid_on.isoformat(), each.amount_pence,
            each.method, int(each.status == "settled"),
        )  # fmt: skip


def _refunds(demo: Company) -> Iterator[tuple[Value, ...]]:
    for each in demo.refunds:
        number = int(each.id.removeprefix("REF-"))
        yield (
            number, each.tenant, each.customer_id, each.payment_id, each.amount_pence, each.status, each.reason,
            each.requested_on.isoformat(), None,
        )  # fmt: skip


TABLES: Final[Mapping[str, Rows]] = {
    "accounts": _accounts,
    "invoices": _invoices,
    "charges": _charges,
    "payments": _payments,
    "refunds": _refunds,
}
