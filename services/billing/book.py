"""The billing book: the port behind which a company puts its own billing system. Amounts are pence."""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, Protocol

INVOICES_MAX: Final = 24
PAYMENTS_MAX: Final = 100
REFUNDS_MAX: Final = 20
REASON_CHARACTERS_MAX: Final = 300

PaymentMethod = Literal["direct_debit", "card"]
RefundStatus = Literal["paid", "accepted", "pending_approval", "refused"]


@dataclass(frozen=True, slots=True)
class Account:
    """Whose book: one customer of one tenant. Every question is asked of one account."""

    tenant: str
    customer_id: str


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of an invoice; discounts and credits are negative."""

    kind: str
    """plan, proration, usage, roaming, add_on, device, fee, discount or credit."""
    label: str
    """The same every month; with `line_id` what two invoices are compared by."""
    amount_pence: int
    detail: str = ""
    line_id: str | None = None


@dataclass(frozen=True, slots=True)
class Invoice:
    id: str
    month: str
    """`2026-11`."""
    issued_on: date
    due_on: date
    period_start: date
    period_end: date
    """Last day, included."""
    charges: tuple[Charge, ...]
    total_pence: int
    paid_pence: int
    """What was paid on it, refunds taken off; may be more than the total."""

    @property
    def open_pence(self) -> int:
        return max(0, self.total_pence - self.paid_pence)

    @property
    def credit_pence(self) -> int:
        return max(0, self.paid_pence - self.total_pence)


@dataclass(frozen=True, slots=True)
class Payment:
    id: str
    """`PAY-106722`."""
    invoice_id: str
    invoice_month: str
    paid_on: date
    amount_pence: int
    method: PaymentMethod
    settled: bool
    """False: the bank or the card refused it, no money moved."""
    refunded_pence: int
    """Refunded, accepted for it, or waiting for approval."""


@dataclass(frozen=True, slots=True)
class Refund:
    id: str
    """`REF-500061`."""
    payment_id: str
    amount_pence: int
    status: RefundStatus
    reason: str
    requested_on: date


class RefundRefused(Exception):
    """The book's rules do not allow this refund; `message` is a sentence for the customer."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class BillingBook(Protocol):
    """Reads invoices and payments, takes refund requests.

    Lives as long as the agent; every method may be called concurrently. A book that does not answer raises
    `Unavailable`. Nothing of another account is ever returned.
    """

    async def payment_method(self, account: Account) -> PaymentMethod | None:
        """How the account pays; `None` where there is no such account."""
        ...

    async def invoices(self, account: Account) -> list[Invoice]:
        """The newest invoices, newest first, at most `INVOICES_MAX`."""
        ...

    async def payments(self, account: Account) -> list[Payment]:
        """The newest payments and failed attempts, newest first, at most `PAYMENTS_MAX`."""
        ...

    async def refunds(self, account: Account) -> list[Refund]:
        """The newest refunds, newest first, at most `REFUNDS_MAX`."""
        ...

    async def request_refund(self, account: Account, payment_id: str, reason: str, *, request_key: str) -> Refund:
        """Requests the refund of what is left of a payment; checks and writes in one step.

        The same `request_key` again returns the refund that it made the first time. Raises `RefundRefused`.
        """
        ...
