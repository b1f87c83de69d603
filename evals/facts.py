"""Named facts of the demo company, for golden cases: `<ada.latest.total>` is looked up, never written down.

Names: `<who>.latest|before|month.YYYY-MM` with `.id .total .month .due .charge.<label>`; `<who>.difference`;
`<who>.duplicate.id|first|amount`; `<who>.overdue.id|total|days`; `<who>.line.router|led`; `<who>.ticket.id|subject`;
`product.<id>.name|price|spec.<property>`; `plan.<id>.name|price`; `incident.<tenant>.<town>.id|town|description`; `policy.<name>`.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from services.billing import policy as billing_policy
from services.product import policy as product_policy
from services.tech import policy as tech_policy
from switchboard.demo import tariff
from switchboard.demo.company import company
from switchboard.demo.model import Company, DemoInvoice
from switchboard.demo.people import NAMED
from switchboard.evaluation.golden.suite import Facts

POLICIES: Final = (tariff, billing_policy, tech_policy, product_policy)
"""Where `policy.<name>` is looked up: a constant's name in lower case."""


@lru_cache(maxsize=1)
def facts() -> Facts:
    """Everything a golden case may name of the demo company as it stands on its fixed day."""
    demo = company()
    values = dict(_policy())
    for product in demo.products:
        name = f"product.{product.id}"
        values[f"{name}.name"], values[f"{name}.price"] = product.name, pounds(product.price_pence)
        for each in product.specifications:
            unit = f" {each.unit}" if each.unit else ""
            values[f"{name}.spec.{_slug(each.name)}"] = f"{each.value}{unit}"
    for plan in tariff.PLANS:
        values[f"plan.{plan.id}.name"], values[f"plan.{plan.id}.price"] = plan.name, pounds(plan.price_pence)
    for incident in demo.incidents:
        name = f"incident.{incident.tenant}.{_slug(incident.town)}"
        values[f"{name}.town"], values[f"{name}.id"] = incident.town, incident.id
        values[f"{name}.description"] = incident.description
    users: dict[str, str] = {}
    for customer_id, (first_name, _, _) in NAMED.items():
        who = first_name.lower()
        customer = next(each for each in demo.customers if each.id == customer_id)
        users[who] = f"{customer.tenant}/{customer_id}"
        values[f"{who}.id"], values[f"{who}.email"], values[f"{who}.name"] = customer_id, customer.email, customer.name
        values.update(_of_customer(demo, who, customer_id))
    return Facts(values, users)


def pounds(pence: int) -> str:
    return f"£{pence / 100:,.2f}"


def _policy() -> Iterator[tuple[str, str]]:
    for name, value in ((name, value) for policy in POLICIES for name, value in vars(policy).items()):
        if not name.isupper() or isinstance(value, bool):
            continue
        slug = name.lower()
        if isinstance(value, int):
            yield f"policy.{slug}", pounds(value) if "PENCE" in name else str(value)
        elif isinstance(value, dict):
            for key, entry in value.items():
                if isinstance(entry, str | int):
                    text = pounds(entry) if isinstance(entry, int) and "PENCE" in name else str(entry)
                    yield f"policy.{slug}.{_slug(str(key))}", text


def _of_customer(demo: Company, who: str, customer_id: str) -> Iterator[tuple[str, str]]:
    invoices = sorted((i for i in demo.invoices if i.customer_id == customer_id), key=lambda i: i.issued_on)
    for invoice in invoices:
        yield from _invoice(f"{who}.month.{invoice.month}", invoice)
    latest, before = invoices[-1], invoices[-2]
    yield from _invoice(f"{who}.latest", latest)
    yield from _invoice(f"{who}.before", before)
    yield f"{who}.difference", pounds(abs(latest.total_pence - before.total_pence))

    payments = [each for each in demo.payments if each.customer_id == customer_id]
    paid = {each.invoice_id for each in payments if each.status == "settled"}
    unpaid = [each for each in invoices if each.id not in paid and each.total_pence]
    yield f"{who}.open", pounds(sum(each.total_pence for each in unpaid))
    for invoice in unpaid:
        if invoice.due_on < demo.today:
            yield from _invoice(f"{who}.overdue", invoice)
            yield f"{who}.overdue.days", str((demo.today - invoice.due_on).days)
    for invoice in invoices:
        twice = sorted(
            (each for each in payments if each.invoice_id == invoice.id and each.status == "settled"),
            key=lambda each: each.paid_on,
        )
        if len(twice) == 2:
            yield f"{who}.duplicate.first", twice[0].id
            yield f"{who}.duplicate.id", twice[1].id
            yield f"{who}.duplicate.amount", pounds(twice[1].amount_pence)
    newest = max(payments, key=lambda each: (each.paid_on, each.id))
    yield f"{who}.payment.id", newest.id
    yield f"{who}.payment.amount", pounds(newest.amount_pence)

    status = demo.line_status(customer_id)
    if status is not None:
        yield f"{who}.line.router", status.router
        yield f"{who}.line.led", status.led
    for ticket in [each for each in demo.tickets if each.customer_id == customer_id][-1:]:
        yield f"{who}.ticket.id", ticket.id
        yield f"{who}.ticket.subject", ticket.subject
        yield f"{who}.ticket.status", ticket.status.replace("_", " ")
        yield f"{who}.ticket.note", ticket.note
    lines = {each.id: each for each in demo.lines if each.customer_id == customer_id}
    for device in [each for each in demo.devices if each.customer_id == customer_id]:
        kind = lines[device.line_id].kind
        yield f"{who}.device.{kind}", device.name
        yield f"{who}.device.{kind}.serial", device.serial
    for line in lines.values():
        yield f"{who}.plan.{line.kind}", tariff.PLAN_BY_ID[line.plan_id].name
        yield f"{who}.number.{line.kind}", line.number


def _invoice(name: str, invoice: DemoInvoice) -> Iterator[tuple[str, str]]:
    yield f"{name}.id", invoice.id
    yield f"{name}.total", pounds(invoice.total_pence)
    yield f"{name}.month", f"{invoice.issued_on:%B %Y}"
    yield f"{name}.due", f"{invoice.due_on.day} {invoice.due_on:%B %Y}"
    for charge in invoice.charges:
        slug = _slug(charge.label)
        yield f"{name}.charge.{slug}", pounds(abs(charge.amount_pence))
        yield f"{name}.charge.{slug}.label", charge.label


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
