"""The billing book in the specialist's own SQLite database."""

import sqlite3
from datetime import date
from itertools import groupby

from services.billing.book import (
    INVOICES_MAX,
    PAYMENTS_MAX,
    REASON_CHARACTERS_MAX,
    REFUNDS_MAX,
    Account,
    BillingBook,
    Charge,
    Invoice,
    Payment,
    PaymentMethod,
    Refund,
    RefundRefused,
)
from services.billing.refund_rules import decide
from switchboard.agent.clock import Clock
from switchboard.agent.database import Database

_INVOICES = """
SELECT i.*,
  (SELECT coalesce(sum(p.amount_pence), 0) FROM payments p
     WHERE p.tenant = i.tenant AND p.customer_id = i.customer_id AND p.invoice_id = i.id AND p.settled)
  - (SELECT coalesce(sum(r.amount_pence), 0) FROM refunds r JOIN payments p ON p.id = r.payment_id
     WHERE r.tenant = i.tenant AND r.customer_id = i.customer_id AND p.invoice_id = i.id
       AND r.status IN ('paid', 'accepted')) AS paid_pence
FROM invoices i WHERE i.tenant = ? AND i.customer_id = ? ORDER BY i.month DESC LIMIT ?
"""
_CHARGES = """
SELECT c.* FROM charges c JOIN invoices i ON i.id = c.invoice_id
WHERE i.tenant = ? AND i.customer_id = ? ORDER BY c.invoice_id, c.position
"""
_PAYMENTS = """
SELECT p.*, i.month,
  (SELECT coalesce(sum(r.amount_pence), 0) FROM refunds r
     WHERE r.tenant = p.tenant AND r.customer_id = p.customer_id AND r.payment_id = p.id
       AND r.status <> 'refused') AS refunded_pence
FROM payments p JOIN invoices i ON i.id = p.invoice_id
WHERE p.tenant = ? AND p.customer_id = ? ORDER BY p.paid_on DESC, p.id DESC LIMIT ?
"""
_REFUNDS = "SELECT * FROM refunds WHERE tenant = ? AND customer_id = ? ORDER BY number DESC LIMIT ?"
FIRST_REFUND = 500_001


class SqliteBillingBook(BillingBook):
    """Reads and writes rows; the clock tells the day on which a refund is requested."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @property
    def _today(self) -> date:
        return self._clock().date()

    async def payment_method(self, account: Account) -> PaymentMethod | None:
        def work(connection: sqlite3.Connection) -> PaymentMethod | None:
            row = connection.execute(
                "SELECT payment_method FROM accounts WHERE tenant = ? AND customer_id = ?",
                (account.tenant, account.customer_id),
            ).fetchone()
            return None if row is None else row["payment_method"]

        return await self._database.run(work)

    async def invoices(self, account: Account) -> list[Invoice]:
        def work(connection: sqlite3.Connection) -> list[Invoice]:
            rows = connection.execute(_CHARGES, (account.tenant, account.customer_id))
            charges = {
                key: tuple(_charge(row) for row in group) for key, group in groupby(rows, lambda r: r["invoice_id"])
            }
            found = connection.execute(_INVOICES, (account.tenant, account.customer_id, INVOICES_MAX))
            return [_invoice(row, charges.get(row["id"], ())) for row in found]

        return await self._database.run(work)

    async def payments(self, account: Account) -> list[Payment]:
        return await self._database.run(lambda connection: _payments(connection, account))

    async def refunds(self, account: Account) -> list[Refund]:
        return await self._database.run(lambda connection: _refunds(connection, account))

    async def request_refund(self, account: Account, payment_id: str, reason: str, *, request_key: str) -> Refund:
        def work(connection: sqlite3.Connection) -> Refund:
            # The lock comes first: two requests for one payment must not both find it unrefunded.
            connection.execute("BEGIN IMMEDIATE")
            before = connection.execute(
                "SELECT * FROM refunds WHERE request_key = ? AND tenant = ? AND customer_id = ?",
                (request_key, account.tenant, account.customer_id),
            ).fetchone()
            if before is not None:
                return _refund(before)
            payment = next((p for p in _payments(connection, account) if p.id == payment_id), None)
            if payment is None:
                raise RefundRefused(f"I cannot find a payment {payment_id} on your account.")
            amount_pence, status = decide(payment, _refunds(connection, account), self._today)
            (number,) = connection.execute(
                "SELECT coalesce(max(number) + 1, ?) FROM refunds", (FIRST_REFUND,)
            ).fetchone()
            connection.execute(
                "INSERT INTO refunds VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    number, account.tenant, account.customer_id, payment_id, amount_pence, status,
                    reason[:REASON_CHARACTERS_MAX], self._today.isoformat(), request_key,
                ),
            )  # fmt: skip
            return _refund(connection.execute("SELECT * FROM refunds WHERE number = ?", (number,)).fetchone())

        return await self._database.run(work)


def _payments(connection: sqlite3.Connection, account: Account) -> list[Payment]:
    return [_payment(row) for row in connection.execute(_PAYMENTS, (account.tenant, account.customer_id, PAYMENTS_MAX))]


def _refunds(connection: sqlite3.Connection, account: Account) -> list[Refund]:
    return [_refund(row) for row in connection.execute(_REFUNDS, (account.tenant, account.customer_id, REFUNDS_MAX))]


def _charge(row: sqlite3.Row) -> Charge:
    return Charge(row["kind"], row["label"], row["amount_pence"], row["detail"], row["line_id"])


def _invoice(row: sqlite3.Row, charges: tuple[Charge, ...]) -> Invoice:
    return Invoice(
        id=row["id"],
        month=row["month"],
        issued_on=date.fromisoformat(row["issued_on"]),
        due_on=date.fromisoformat(row["due_on"]),
        period_start=date.fromisoformat(row["period_start"]),
        period_end=date.fromisoformat(row["period_end"]),
        charges=charges,
        total_pence=row["total_pence"],
        paid_pence=row["paid_pence"],
    )


def _payment(row: sqlite3.Row) -> Payment:
    return Payment(
        id=row["id"],
        invoice_id=row["invoice_id"],
        invoice_month=row["month"],
        paid_on=date.fromisoformat(row["paid_on"]),
        amount_pence=row["amount_pence"],
        method=row["method"],
        settled=bool(row["settled"]),
        refunded_pence=row["refunded_pence"],
    )


def _refund(row: sqlite3.Row) -> Refund:
    return Refund(
        id=f"REF-{row['number']}",
        payment_id=row["payment_id"],
        amount_pence=row["amount_pence"],
        status=row["status"],
        reason=row["reason"],
        requested_on=date.fromisoformat(row["requested_on"]),
    )
