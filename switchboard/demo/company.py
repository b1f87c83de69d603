"""Puts the demo company together. The same seed and day give the same bytes; about half a second, once a process."""

from datetime import date
from functools import lru_cache
from typing import Final

from switchboard.demo.calendar import billing_months
from switchboard.demo.catalogue import PRODUCTS
from switchboard.demo.contracts import contract_of, usage_of
from switchboard.demo.faults import incidents_of, line_status_of, tickets_of
from switchboard.demo.invoices import CustomerInvoices, account_of
from switchboard.demo.model import Company, DemoPayment, DemoRefund
from switchboard.demo.people import BRANDS, customers_of

SEED: Final = 20260101
TODAY: Final = date(2026, 11, 15)
USAGE_MONTHS = 6


@lru_cache(maxsize=4)
def company(seed: int = SEED, today: date = TODAY) -> Company:
    """The whole company as it stands on `today`, both brands."""
    customers = [customer for tenant in BRANDS for customer in customers_of(tenant, seed, today)]
    contracts = [contract_of(customer, number, seed, today) for number, customer in enumerate(customers)]
    months = billing_months(today)
    accounts = [account_of(contract, months, seed, today) for contract in contracts]
    payments, refunds = _numbered(accounts)
    incidents = incidents_of(seed, today)
    statuses = (line_status_of(contract, incidents, seed, today) for contract in contracts)
    recent = [month.month for month in months[-USAGE_MONTHS:]]
    return Company(
        seed=seed,
        today=today,
        customers=tuple(customers),
        lines=tuple(line for contract in contracts for line in contract.lines),
        devices=tuple(device for contract in contracts for device in contract.devices),
        usage=tuple(row for contract in contracts for row in usage_of(contract, recent, seed)),
        invoices=tuple(invoice for account in accounts for invoice in account.invoices),
        payments=tuple(payments),
        refunds=tuple(refunds),
        incidents=tuple(incidents),
        line_statuses=tuple(status for status in statuses if status),
        tickets=tuple(tickets_of(contracts, seed, today)),
        products=PRODUCTS,
    )


def _numbered(accounts: list[CustomerInvoices]) -> tuple[list[DemoPayment], list[DemoRefund]]:
    """Gives payments and refunds their numbers, in the order of days."""
    drafts = [draft for account in accounts for draft in account.payments]
    drafts.sort(key=lambda draft: (draft.paid_on, draft.customer_id, draft.invoice_id, draft.method != "direct_debit"))
    payments: list[DemoPayment] = []
    refunds: list[DemoRefund] = []
    for number, draft in enumerate(drafts):
        payment = DemoPayment(
            id=f"PAY-{100_001 + number}",
            tenant=draft.tenant,
            customer_id=draft.customer_id,
            invoice_id=draft.invoice_id,
            paid_on=draft.paid_on,
            amount_pence=draft.amount_pence,
            method=draft.method,
            status=draft.status,
        )
        payments.append(payment)
        if draft.refund:
            refunds.append(
                DemoRefund(
                    id=f"REF-{500_001 + len(refunds)}",
                    tenant=draft.tenant,
                    customer_id=draft.customer_id,
                    payment_id=payment.id,
                    amount_pence=draft.amount_pence,
                    status=draft.refund,
                    reason="The invoice was paid twice.",
                    requested_on=draft.paid_on,
                )
            )
    return payments, refunds
