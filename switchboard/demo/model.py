"""The nouns of the demo company. Amounts are pence, dates are calendar dates, speeds are Mbit/s, data is GB."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

LineKind = Literal["mobile", "broadband"]
ChargeKind = Literal["plan", "proration", "usage", "roaming", "add_on", "device", "fee", "discount", "credit"]
PaymentMethod = Literal["direct_debit", "card"]
PaymentStatus = Literal["settled", "failed"]
RefundStatus = Literal["paid", "accepted", "pending_approval", "refused"]
TicketStatus = Literal["open", "in_progress", "resolved"]


@dataclass(frozen=True, slots=True)
class DemoCustomer:
    id: str
    """`C-10001`…; also the user of a demo key."""
    tenant: str
    first_name: str
    last_name: str
    email: str
    street: str
    town: str
    postcode: str
    since: date
    payment_method: PaymentMethod

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True)
class DemoLine:
    """A mobile number or a broadband connection that a customer rents."""

    id: str
    """`L-10001-1`…"""
    customer_id: str
    kind: LineKind
    number: str
    """Mobile number, or the landline number of the broadband connection (Ofcom's drama ranges)."""
    plan_id: str
    since: date
    contract_end: date


@dataclass(frozen=True, slots=True)
class DemoDevice:
    """Something from the catalogue that a customer has: a phone on a mobile line, a router on a broadband line."""

    id: str
    customer_id: str
    line_id: str
    product_id: str
    name: str
    serial: str
    since: date
    """Bought or handed out on this day."""


@dataclass(frozen=True, slots=True)
class DemoUsage:
    """What a mobile line used in one invoice period."""

    customer_id: str
    line_id: str
    month: str
    data_gb: float
    minutes: int


@dataclass(frozen=True, slots=True)
class DemoCharge:
    """One line of an invoice; discounts and credits are negative."""

    kind: ChargeKind
    label: str
    """What it is, the same every month: `Roaming in Spain`. With `line_id` the key to compare two invoices by."""
    amount_pence: int
    detail: str = ""
    """How it came about: `4 Europe day passes at £2.30`."""
    line_id: str | None = None


@dataclass(frozen=True, slots=True)
class DemoInvoice:
    """`total_pence` is the sum of `charges`."""

    id: str
    """`INV-202611-10001`"""
    tenant: str
    customer_id: str
    month: str
    """`2026-11`, the month it was issued in."""
    issued_on: date
    due_on: date
    period_start: date
    period_end: date
    charges: tuple[DemoCharge, ...]
    total_pence: int


@dataclass(frozen=True, slots=True)
class DemoPayment:
    id: str
    """`PAY-100001`…"""
    tenant: str
    customer_id: str
    invoice_id: str
    paid_on: date
    amount_pence: int
    method: PaymentMethod
    status: PaymentStatus


@dataclass(frozen=True, slots=True)
class DemoRefund:
    id: str
    """`REF-500001`…"""
    tenant: str
    customer_id: str
    payment_id: str
    amount_pence: int
    status: RefundStatus
    reason: str
    requested_on: date


@dataclass(frozen=True, slots=True)
class Incident:
    """A known fault of the network in one town, for one brand."""

    id: str
    """`INC-20261115-1`"""
    tenant: str
    town: str
    description: str
    started_at: datetime
    expected_fix_at: datetime


@dataclass(frozen=True, slots=True)
class LineStatus:
    """What a line test says now about one broadband line."""

    customer_id: str
    line_id: str
    router: str
    """Model, a product of the catalogue: `Aurora Hub 2`."""
    router_serial: str
    firmware: str
    led: str
    """State of its broadband light: `solid green`."""
    online: bool
    sync_down_mbps: float
    sync_up_mbps: float
    plan_down_mbps: int
    packet_loss_percent: float
    latency_ms: float
    reboots_24h: int
    last_outage_at: datetime | None
    incident_id: str | None
    """The area fault that explains the trouble; `None` when there is none."""
    tested_at: datetime


@dataclass(frozen=True, slots=True)
class DemoTicket:
    id: str
    """`TCK-100001`…"""
    tenant: str
    customer_id: str
    line_id: str | None
    category: Literal["broadband", "mobile", "device", "tv"]
    subject: str
    status: TicketStatus
    opened_on: date
    updated_on: date
    note: str
    """The last thing a colleague wrote, for the customer to read."""


@dataclass(frozen=True, slots=True)
class DemoSpecification:
    """One typed property of a product: `battery`, 5000, `mAh`. `better` says which way a number is an advantage."""

    name: str
    value: str | int | float | bool
    unit: str = ""
    better: Literal["more", "less", ""] = ""


@dataclass(frozen=True, slots=True)
class DemoProduct:
    """One thing in the catalogue."""

    id: str
    name: str
    category: str
    brand: str
    price_pence: int
    """One-off; for a plan and for a rented thing a month (`monthly`)."""
    monthly: bool
    tenants: tuple[str, ...]
    """Brands that sell it."""
    summary: str
    specifications: tuple[DemoSpecification, ...]


@dataclass(frozen=True, slots=True)
class Company:
    """Everything the demo company knows, both brands. Made by `switchboard.demo.company.company`."""

    seed: int
    today: date
    customers: tuple[DemoCustomer, ...]
    lines: tuple[DemoLine, ...]
    devices: tuple[DemoDevice, ...]
    usage: tuple[DemoUsage, ...]
    invoices: tuple[DemoInvoice, ...]
    payments: tuple[DemoPayment, ...]
    refunds: tuple[DemoRefund, ...]
    incidents: tuple[Incident, ...]
    line_statuses: tuple[LineStatus, ...]
    tickets: tuple[DemoTicket, ...]
    products: tuple[DemoProduct, ...]

    def line_status(self, customer_id: str) -> LineStatus | None:
        """The test of the customer's broadband line; `None` when they have no broadband."""
        return next((status for status in self.line_statuses if status.customer_id == customer_id), None)
