"""Invoices and how they were paid: one walk through a customer's months, as a month's payment makes the next one's fees."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final

from switchboard.demo.calendar import BillingMonth, short_date
from switchboard.demo.contracts import INSTALMENTS, Contract, PlanPeriod
from switchboard.demo.model import DemoCharge, DemoInvoice, DemoLine, PaymentMethod, PaymentStatus, RefundStatus
from switchboard.demo.named import EXTRA_CHARGES, NEVER_PAID, PAID_TWICE
from switchboard.demo.people import NAMED, customer_random
from switchboard.demo.tariff import (
    BROADBAND_SETUP_FEE_PENCE,
    EUROPE_DAY_PASS_PENCE,
    EXTRA_DATA_PENCE_PER_GB,
    FAILED_DIRECT_DEBIT_FEE_PENCE,
    INTERNATIONAL_CALL_PENCE_PER_MINUTE,
    LATE_FEE_GRACE_DAYS,
    LATE_FEE_PENCE,
    LOYALTY_DISCOUNT_PENCE,
    OUTAGE_CREDIT_PENCE_PER_DAY,
    PAPER_BILL_FEE_PENCE,
    PICTURE_MESSAGE_PENCE,
    SECOND_MOBILE_DISCOUNT_PERCENT,
    SERVICE_NUMBER_PENCE_PER_MINUTE,
    SIM_REPLACEMENT_FEE_PENCE,
    WELCOME_DISCOUNT_MONTHS,
    WELCOME_DISCOUNT_PENCE,
    WORLD_DAY_PASS_PENCE,
)

EUROPE: Final = ("Spain", "France", "Italy", "Portugal", "Greece", "Germany", "Ireland", "Poland")
WORLD: Final = ("the United States", "Turkey", "India", "Japan", "Australia", "Dubai")


@dataclass(frozen=True, slots=True)
class PaymentDraft:
    """A payment before it has its number: numbers follow the order of days over all customers."""

    tenant: str
    customer_id: str
    invoice_id: str
    paid_on: date
    amount_pence: int
    method: PaymentMethod
    status: PaymentStatus
    refund: RefundStatus | None = None


@dataclass(frozen=True, slots=True)
class CustomerInvoices:
    """All invoices of one customer, and what was paid on them."""

    invoices: list[DemoInvoice]
    payments: list[PaymentDraft]


def account_of(contract: Contract, months: list[BillingMonth], seed: int, today: date) -> CustomerInvoices:
    customer = contract.customer
    random = customer_random(seed, customer.id, "invoices")
    # One customer in twenty-five has stopped paying lately.
    unpaid_from = len(months) - random.choice((2, 2, 3)) if random.random() < 0.04 else len(months)
    account = CustomerInvoices([], [])
    fees: list[DemoCharge] = []
    for index, month in enumerate(months):
        if month.period_end < customer.since:
            continue
        charges = [*_plan_charges(contract, month), *_recurring_charges(contract, month)]
        charges += _extra_charges(contract, month, random)
        charges += fees
        charges += _reductions(contract, month, charges, random)
        total_pence = sum(charge.amount_pence for charge in charges)
        invoice = DemoInvoice(
            id=f"INV-{month.month.replace('-', '')}-{customer.id[2:]}",
            tenant=customer.tenant,
            customer_id=customer.id,
            month=month.month,
            issued_on=month.issued_on,
            due_on=month.due_on,
            period_start=month.period_start,
            period_end=month.period_end,
            charges=tuple(charges),
            total_pence=total_pence,
        )
        payments = _payments(contract, invoice, random, today, stopped=index >= unpaid_from)
        account.invoices.append(invoice)
        account.payments.extend(payments)
        fees = _fees_after(invoice, payments, today)
    return account


def _plan_at(periods: tuple[PlanPeriod, ...], day: date) -> PlanPeriod | None:
    return next((period for period in reversed(periods) if period.start <= day), None)


def _plan_charges(contract: Contract, month: BillingMonth) -> list[DemoCharge]:
    charges: list[DemoCharge] = []
    for line in contract.lines:
        periods = contract.plan_periods[line.id]
        first, last = _plan_at(periods, month.period_start), _plan_at(periods, month.period_end)
        if last is None:
            continue
        if first is last:
            charges.append(DemoCharge("plan", last.plan.name, last.plan.price_pence, line.number, line.id))
        elif first is None:
            charges.append(_prorated(last, last.start, month.period_end, month, line))
        else:
            charges.append(_prorated(first, month.period_start, last.start - timedelta(days=1), month, line))
            charges.append(_prorated(last, last.start, month.period_end, month, line))
    return charges


def _prorated(period: PlanPeriod, start: date, end: date, month: BillingMonth, line: DemoLine) -> DemoCharge:
    days = (end - start).days + 1
    amount_pence = (2 * period.plan.price_pence * days + month.days) // (2 * month.days)
    detail = f"{short_date(start)} to {short_date(end)}, {days} of {month.days} days"
    return DemoCharge("proration", period.plan.name, amount_pence, detail, line.id)


def _recurring_charges(contract: Contract, month: BillingMonth) -> list[DemoCharge]:
    charges: list[DemoCharge] = []
    for add_on in contract.add_ons:
        if add_on.start <= month.period_end and (add_on.end is None or add_on.end >= month.period_start):
            charges.append(DemoCharge("add_on", add_on.name, add_on.price_pence, "", add_on.line_id))
    for device in contract.instalments:
        number = _months_between(device.start, month.period_end) + 1
        if 1 <= number <= INSTALMENTS:
            charges.append(
                DemoCharge(
                    "device",
                    f"{device.name} instalment",
                    device.amount_pence(number),
                    f"{number} of {INSTALMENTS}",
                    device.line_id,
                )
            )
    if contract.paper_bill:
        charges.append(DemoCharge("fee", "Paper bill", PAPER_BILL_FEE_PENCE))
    return charges


def _months_between(start: date, end: date) -> int:
    """Whole invoice months from the one that covers `start` to the one that ends with `end`."""
    shifted = start.year * 12 + start.month + (1 if start.day >= 14 else 0)
    return end.year * 12 + end.month - shifted


def _extra_charges(contract: Contract, month: BillingMonth, random: Random) -> list[DemoCharge]:
    customer = contract.customer
    if customer.id in NAMED:
        return list(EXTRA_CHARGES.get((customer.id, month.month), ()))
    charges: list[DemoCharge] = []
    for line in contract.lines_of("mobile"):
        charges += _mobile_usage(line, month, random)
    for line in contract.lines_of("broadband"):
        if month.period_start <= line.since <= month.period_end:
            charges.append(DemoCharge("fee", "Broadband set-up", BROADBAND_SETUP_FEE_PENCE, "once", line.id))
    return charges


def _mobile_usage(line: DemoLine, month: BillingMonth, random: Random) -> list[DemoCharge]:
    charges: list[DemoCharge] = []
    if random.random() < 0.12:
        count = random.randint(1, 9)
        charges.append(
            DemoCharge("usage", "Picture messages", count * PICTURE_MESSAGE_PENCE, f"{count} at £0.20", line.id)
        )
    if random.random() < 0.08:
        minutes = random.randint(2, 30)
        pence = minutes * INTERNATIONAL_CALL_PENCE_PER_MINUTE
        charges.append(DemoCharge("usage", "International calls", pence, f"{minutes} minutes at £0.35", line.id))
    if random.random() < 0.07:
        minutes = random.randint(3, 25)
        pence = minutes * SERVICE_NUMBER_PENCE_PER_MINUTE
        charges.append(
            DemoCharge("usage", "Calls to 084 and 087 numbers", pence, f"{minutes} minutes at £0.18", line.id)
        )
    if random.random() < 0.04:
        gigabytes = random.randint(1, 5)
        charges.append(
            DemoCharge("usage", "Extra data", gigabytes * EXTRA_DATA_PENCE_PER_GB, f"{gigabytes} GB at £2.50", line.id)
        )
    if random.random() < (0.2 if month.issued_on.month in (7, 8, 9) else 0.04):
        days = random.randint(2, 12)
        if random.random() < 0.8:
            country, pence, name, price = random.choice(EUROPE), EUROPE_DAY_PASS_PENCE, "Europe", "£2.30"
        else:
            country, pence, name, price = random.choice(WORLD), WORLD_DAY_PASS_PENCE, "World", "£6.00"
        charges.append(
            DemoCharge(
                "roaming", f"Roaming in {country}", days * pence, f"{days} {name} day passes at {price}", line.id
            )
        )
    if random.random() < 0.01:
        charges.append(DemoCharge("fee", "SIM replacement", SIM_REPLACEMENT_FEE_PENCE, "once", line.id))
    return charges


def _reductions(contract: Contract, month: BillingMonth, charges: list[DemoCharge], random: Random) -> list[DemoCharge]:
    """Discounts and credits; never more than the invoice is."""
    customer = contract.customer
    reductions: list[DemoCharge] = []
    mobiles = contract.lines_of("mobile")
    if len(mobiles) > 1:
        base = sum(c.amount_pence for c in charges if c.line_id == mobiles[1].id and c.kind in ("plan", "proration"))
        percent = SECOND_MOBILE_DISCOUNT_PERCENT
        reductions.append(
            DemoCharge(
                "discount", "Second line discount", -(base * percent // 100), f"{percent} % of the plan", mobiles[1].id
            )
        )
    years = (month.period_end - customer.since).days / 365.25
    if contract.loyalty_discount and years > 2:
        reductions.append(DemoCharge("discount", "Loyalty discount", -LOYALTY_DISCOUNT_PENCE))
    if customer.id not in NAMED and years * 12 < WELCOME_DISCOUNT_MONTHS:
        reductions.append(DemoCharge("discount", "Welcome discount", -WELCOME_DISCOUNT_PENCE, "first 6 months"))
    if customer.id not in NAMED and contract.lines_of("broadband") and random.random() < 0.02:
        days = random.randint(1, 2)
        reductions.append(
            DemoCharge(
                "credit",
                "Outage credit",
                -days * OUTAGE_CREDIT_PENCE_PER_DAY,
                f"{days} days at £9.80" if days > 1 else "1 day",
            )
        )
    left = sum(charge.amount_pence for charge in charges)
    kept: list[DemoCharge] = []
    for reduction in reductions:
        if left + reduction.amount_pence >= 0:
            kept.append(reduction)
            left += reduction.amount_pence
    return kept


def _payments(
    contract: Contract, invoice: DemoInvoice, random: Random, today: date, *, stopped: bool
) -> list[PaymentDraft]:
    customer = contract.customer
    key = (customer.id, invoice.month)

    def draft(
        paid_on: date, method: PaymentMethod, status: PaymentStatus = "settled", refund: RefundStatus | None = None
    ) -> list[PaymentDraft]:
        if paid_on > today or invoice.total_pence == 0:
            return []
        return [
            PaymentDraft(customer.tenant, customer.id, invoice.id, paid_on, invoice.total_pence, method, status, refund)
        ]

    due = invoice.due_on
    if key in NEVER_PAID:
        return draft(due, "direct_debit", "failed")
    if key in PAID_TWICE:
        return draft(due, "direct_debit") + draft(due + timedelta(days=2), "card")
    if customer.id in NAMED:
        return draft(due, "direct_debit")
    if stopped:
        return draft(due, "direct_debit", "failed") if customer.payment_method == "direct_debit" else []

    if customer.payment_method == "direct_debit":
        if random.random() < 0.025:
            payments = draft(due, "direct_debit", "failed") + draft(due + timedelta(days=random.randint(3, 14)), "card")
        else:
            payments = draft(due, "direct_debit")
    else:
        late = random.random() < 0.06
        wait_days = random.randint(15, 24) if late else random.randint(1, 13)
        payments = draft(invoice.issued_on + timedelta(days=wait_days), "card")
    if payments and payments[-1].status == "settled" and random.random() < 0.012:
        # Most duplicates of the past were refunded; the fresh ones wait to be found.
        second = payments[-1].paid_on + timedelta(days=random.randint(0, 6))
        old = (today - second).days > 60
        payments += draft(second, "card", "settled", "paid" if old and random.random() < 0.8 else None)
    return payments


def _fees_after(invoice: DemoInvoice, payments: list[PaymentDraft], today: date) -> list[DemoCharge]:
    """What the next invoice charges for the trouble with this one."""
    fees: list[DemoCharge] = []
    detail = f"{invoice.issued_on:%B} invoice"
    if any(payment.status == "failed" for payment in payments):
        fees.append(DemoCharge("fee", "Failed direct debit fee", FAILED_DIRECT_DEBIT_FEE_PENCE, detail))
    grace_end = invoice.due_on + timedelta(days=LATE_FEE_GRACE_DAYS)
    in_time = any(payment.status == "settled" and payment.paid_on <= grace_end for payment in payments)
    if invoice.total_pence > 0 and not in_time and grace_end < today:
        fees.append(DemoCharge("fee", "Late payment fee", LATE_FEE_PENCE, detail))
    return fees
