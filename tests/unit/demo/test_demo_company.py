"""The demo company: its sums reconcile, it is the same every time, and the named customers have their cases."""

import itertools
import pickle
import re
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import date, timedelta
from hashlib import sha256

import pytest

from services.tech.policy import LED_MEANINGS
from switchboard.demo.calendar import billing_months
from switchboard.demo.company import TODAY, company
from switchboard.demo.model import Company
from switchboard.demo.tariff import PLANS, ROUTERS


@pytest.fixture(scope="module")
def demo() -> Company:
    return company()


def test_there_are_two_brands_of_150_customers_with_consecutive_numbers(demo: Company) -> None:
    assert Counter(customer.tenant for customer in demo.customers) == {"aurora": 150, "borealis": 150}
    assert [customer.id for customer in demo.customers] == [f"C-{number}" for number in range(10001, 10301)]


def test_the_lines_of_every_invoice_sum_to_its_total_and_no_total_is_negative(demo: Company) -> None:
    for invoice in demo.invoices:
        assert sum(charge.amount_pence for charge in invoice.charges) == invoice.total_pence >= 0, invoice.id


def test_long_standing_customers_have_24_months_of_invoices_without_a_gap(demo: Company) -> None:
    months = [month.month for month in billing_months(TODAY)]
    assert len(months) == 24 and months[0] == "2024-12" and months[-1] == "2026-11"
    by_customer: dict[str, list[str]] = defaultdict(list)
    for invoice in demo.invoices:
        by_customer[invoice.customer_id].append(invoice.month)
    for customer in demo.customers:
        assert by_customer[customer.id] == months[-len(by_customer[customer.id]) :]
    assert sum(len(each) == 24 for each in by_customer.values()) > 200


def test_invoice_periods_follow_each_other_and_the_due_day_is_the_28th(demo: Company) -> None:
    months = billing_months(TODAY)
    for before, after in itertools.pairwise(months):
        assert after.period_start == before.period_end + timedelta(days=1)
    assert {invoice.due_on.day for invoice in demo.invoices} == {28}


def test_payments_and_refunds_reconcile_with_invoices(demo: Company) -> None:
    invoices = {invoice.id: invoice for invoice in demo.invoices}
    payments = {payment.id: payment for payment in demo.payments}
    paid: dict[str, int] = defaultdict(int)
    for payment in demo.payments:
        invoice = invoices[payment.invoice_id]
        assert (payment.customer_id, payment.tenant) == (invoice.customer_id, invoice.tenant)
        assert invoice.issued_on <= payment.paid_on <= TODAY
        if payment.status == "settled":
            paid[invoice.id] += payment.amount_pence
    for refund in demo.refunds:
        payment = payments[refund.payment_id]
        assert payment.status == "settled" and refund.amount_pence == payment.amount_pence
        paid[payment.invoice_id] -= refund.amount_pence
    # What is left on an invoice is nothing, all of it, or one payment too much.
    balances = Counter((paid[i.id] - i.total_pence) // i.total_pence for i in demo.invoices if i.total_pence)
    assert set(balances) == {-1, 0, 1}
    assert balances[0] > 6000


def test_the_data_hold_every_kind_of_charge_and_every_trouble_with_payments(demo: Company) -> None:
    kinds = {charge.kind for invoice in demo.invoices for charge in invoice.charges}
    assert kinds == {"plan", "proration", "usage", "roaming", "add_on", "device", "fee", "discount", "credit"}
    assert {payment.status for payment in demo.payments} == {"settled", "failed"}
    paid = {payment.invoice_id for payment in demo.payments if payment.status == "settled"}
    overdue = [i for i in demo.invoices if i.id not in paid and i.due_on < TODAY and i.total_pence]
    assert 5 < len(overdue) < 60 and len(demo.refunds) > 20


def test_a_proration_splits_the_period_by_days(demo: Company) -> None:
    for invoice in demo.invoices:
        for charge in invoice.charges:
            if charge.kind != "proration":
                continue
            days, of = map(int, re.search(r"(\d+) of (\d+) days", charge.detail).groups())  # type: ignore[union-attr]
            price_pence = next(plan.price_pence for plan in PLANS if plan.name == charge.label)
            assert abs(charge.amount_pence - price_pence * days / of) <= 0.5


def test_the_catalogue_has_60_products_with_typed_specifications(demo: Company) -> None:
    assert len({product.name for product in demo.products}) == len({product.id for product in demo.products}) == 60
    assert all(len(product.specifications) >= 2 for product in demo.products)
    assert {router for by_network in ROUTERS.values() for router in by_network.values()} <= {
        p.name for p in demo.products
    }


def test_ada_has_a_higher_invoice_a_duplicate_payment_and_a_router_that_blinks_red(demo: Company) -> None:
    totals = {i.month: i.total_pence for i in demo.invoices if i.customer_id == "C-10001"}
    assert (totals["2026-10"], totals["2026-11"]) == (4720, 6140)
    october = [p for p in demo.payments if p.invoice_id == "INV-202610-10001"]
    assert [(p.amount_pence, p.status) for p in october] == [(4720, "settled"), (4720, "settled")]
    status = demo.line_status("C-10001")
    assert status is not None and status.led == "blinking red" and not status.online and status.incident_id is None


def test_ben_has_an_overdue_invoice_and_a_proration_with_the_fees_that_follow(demo: Company) -> None:
    november = next(i for i in demo.invoices if i.id == "INV-202611-10002")
    labels = [(charge.kind, charge.label) for charge in november.charges]
    assert labels == [
        ("proration", "Aurora Go 20"),
        ("proration", "Aurora Plus 60"),
        ("fee", "Failed direct debit fee"),
        ("fee", "Late payment fee"),
    ]
    assert [p.status for p in demo.payments if p.invoice_id == "INV-202610-10002"] == ["failed"]


def test_cleo_has_the_same_kinds_of_cases_in_the_other_brand(demo: Company) -> None:
    totals = {i.month: i.total_pence for i in demo.invoices if i.customer_id == "C-10151"}
    assert totals["2026-11"] > totals["2026-10"]
    assert len([p for p in demo.payments if p.invoice_id == "INV-202610-10151"]) == 2
    status = demo.line_status("C-10151")
    assert status is not None and status.led == "blinking red"


def test_line_tests_agree_with_the_lights_and_with_area_incidents(demo: Company) -> None:
    towns = {customer.id: (customer.tenant, customer.town) for customer in demo.customers}
    incidents = {incident.id: (incident.tenant, incident.town) for incident in demo.incidents}
    for status in demo.line_statuses:
        assert status.led in LED_MEANINGS
        assert status.online == (status.led == "solid green")
        if status.incident_id:
            assert incidents[status.incident_id] == towns[status.customer_id]
    assert len({status.led for status in demo.line_statuses}) >= 5


def test_phone_numbers_are_unique_and_from_the_ranges_that_belong_to_nobody(demo: Company) -> None:
    numbers = [line.number for line in demo.lines]
    assert len(set(numbers)) == len(numbers)
    assert all(re.fullmatch(r"07700 900\d{3}|01632 960\d{3}", number) for number in numbers)


def test_the_same_seed_gives_the_same_bytes_in_another_process_and_another_seed_does_not(demo: Company) -> None:
    script = (
        "import hashlib; from switchboard.demo.company import company; c = company();"
        "print(hashlib.sha256(repr((c.invoices, c.payments, c.tickets, c.line_statuses, c.customers)).encode()).hexdigest())"
    )
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    parts = (demo.invoices, demo.payments, demo.tickets, demo.line_statuses, demo.customers)
    assert there.stdout.strip() == sha256(repr(parts).encode()).hexdigest()
    assert pickle.dumps(company(7).invoices) != pickle.dumps(demo.invoices)


def test_other_days_work_as_well_and_never_look_into_the_future() -> None:
    for today in (date(2026, 11, 13), date(2027, 1, 14), date(2026, 3, 31)):
        other = company.__wrapped__(5, today)
        assert max(invoice.issued_on for invoice in other.invoices) <= today
        assert max(payment.paid_on for payment in other.payments) <= today
