"""Invoice months: `2026-11` is issued on 14 November 2026 and covers 14 October to 13 November."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

MONTHS_OF_INVOICES: Final = 24
INVOICE_DAY: Final = 14
"""An invoice is issued on the 14th and covers the 14th of the month before up to the 13th."""
PAYMENT_TERM_DAYS: Final = 14
"""An invoice is due 14 days after it was issued: on the 28th. Direct debits are taken on that day."""


@dataclass(frozen=True, slots=True)
class BillingMonth:
    month: str
    issued_on: date
    due_on: date
    period_start: date
    period_end: date
    """Last day, included."""

    @property
    def days(self) -> int:
        return (self.period_end - self.period_start).days + 1


def billing_month(year: int, month: int) -> BillingMonth:
    issued = date(year, month, INVOICE_DAY)
    before = date(year - 1, 12, INVOICE_DAY) if month == 1 else date(year, month - 1, INVOICE_DAY)
    return BillingMonth(
        month=f"{year:04d}-{month:02d}",
        issued_on=issued,
        due_on=issued + timedelta(days=PAYMENT_TERM_DAYS),
        period_start=before,
        period_end=issued - timedelta(days=1),
    )


def billing_months(today: date, count: int = MONTHS_OF_INVOICES) -> list[BillingMonth]:
    """The last `count` months whose invoice was issued by `today`, oldest first."""
    last = today.year * 12 + today.month - 1 - (1 if today.day < INVOICE_DAY else 0)
    return [billing_month(n // 12, n % 12 + 1) for n in range(last - count + 1, last + 1)]


def short_date(day: date) -> str:
    """`3 Oct`."""
    return f"{day.day} {day:%b}"
