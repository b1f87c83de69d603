"""The billing tools against the demo company's book."""

import asyncio
import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.billing.book import Account, Charge, Invoice
from services.billing.invoice_changes import compare
from services.billing.sqlite_book import SqliteBillingBook
from services.billing.tools import BillingTools
from switchboard.agent import AgentSettings
from switchboard.agent.tool import tools_of
from switchboard.contracts.cards import load_card
from switchboard.contracts.errors import ModelRetry
from switchboard.demo.company import TODAY

BILLING = Path(__file__).parents[3] / "services" / "billing"


async def test_the_latest_invoice_is_told_with_amount_due_day_and_every_line(tools, context) -> None:
    outcome = await tools.get_invoice(context())
    text = " ".join(outcome.facts)
    assert "Your November 2026 invoice INV-202611-10001 is £61.40, due on 28 November 2026." in text
    assert "Roaming in Spain (4 Europe day passes at £2.30) £9.20" in text
    assert "Loyalty discount −£3.00" in text
    assert "not paid yet; it is due in 13 days" in text


@pytest.mark.parametrize("month", ["2026-10", "October", "october 2026", "last month"])
async def test_a_month_can_be_said_in_several_ways(tools, context, month: str) -> None:
    outcome = await tools.get_invoice(context(), month=month)
    assert outcome.data["invoice"]["id"] == "INV-202610-10001"


@pytest.mark.parametrize(
    ("said", "month"),
    [
        ("Nov 2026", "November 2026"), ("nov. 2026", "November 2026"), ("Sept", "September"), ("11/2026", "2026-11"),
        ("2026-11-28", "2026-11"), (" october ", "october"), ("2026-10", "2026-10"), ("May", "May"), ("Last month", "Last month"),
    ],
)  # fmt: skip
def test_a_model_may_write_a_month_as_it_likes(tools, said: str, month: str) -> None:
    (get_invoice,) = (each for each in tools_of(tools) if each.name == "get_invoice")
    told = get_invoice.validate({"month": said})["month"]
    assert told.lower() == month.lower()


@pytest.mark.parametrize("said", ["smarch", "13/2026", "marchpane 2026", "Nov 26", 7])
def test_what_is_no_month_is_told_to_the_model(tools, said: object) -> None:
    (get_invoice,) = (each for each in tools_of(tools) if each.name == "get_invoice")
    with pytest.raises(ModelRetry, match="month"):
        get_invoice.validate({"month": said})


async def test_a_language_model_is_told_whether_a_bill_is_paid_and_no_pence(tools, context) -> None:
    for outcome in (
        await tools.get_invoice(context()),
        await tools.explain_invoice(context(), month="October"),
        await tools.list_invoices(context()),
        await tools.get_balance(context()),
    ):
        assert "pence" not in str(outcome.data)
    explained = (await tools.explain_invoice(context(), month="October")).data
    assert explained["invoice"]["state"].startswith("It is paid")


async def test_a_month_without_an_invoice_is_said_so_and_nonsense_goes_back_to_the_model(tools, context) -> None:
    outcome = await tools.get_invoice(context(), month="2020-01")
    assert "no invoice for January 2020" in outcome.facts[0] and not outcome.data
    with pytest.raises(ModelRetry):
        await tools.get_invoice(context(), month="smarch")


async def test_the_explanation_names_the_difference_and_every_reason(tools, context) -> None:
    outcome = await tools.explain_invoice(context())
    assert outcome.facts[1] == "That is £14.20 more than October 2026 (£47.20)."
    for reason in ("Roaming in Spain +£9.20", "Data Boost 10 GB +£6.00 (new)", "Picture messages −£1.00"):
        assert reason in outcome.facts[2]


@pytest.mark.parametrize("month", ["last month", None])
async def test_the_month_to_compare_with_is_not_taken_for_the_month_to_explain(
    tools, context, month: str | None
) -> None:
    outcome = await tools.explain_invoice(context(message="Why is it higher than last month?"), month=month)
    assert outcome.facts[0].startswith("Your November 2026 invoice")


async def test_an_explanation_against_an_older_month_compares_with_that_month(tools, context) -> None:
    outcome = await tools.explain_invoice(context(message="Why is it higher than in August?"), month="August")
    assert outcome.facts[1] == "That is £15.40 more than August 2026 (£46.00)."


async def test_a_plan_change_is_explained_by_days(tools, context) -> None:
    outcome = await tools.explain_invoice(context("C-10002"))
    text = " ".join(outcome.facts)
    assert "You changed from Aurora Go 20 to Aurora Plus 60" in text
    assert "Late payment fee +£5.00" in text and "Failed direct debit fee +£3.00" in text


async def test_the_differences_sum_to_the_difference_of_the_totals_for_every_customer(tmp_path: Path) -> None:
    tools = BillingTools.open(AgentSettings(data_dir=tmp_path, demo_today=TODAY))
    for number in range(10001, 10301, 7):
        account = Account("aurora" if number < 10151 else "borealis", f"C-{number}")
        invoices = await tools._book.invoices(account)
        for now, before in itertools.pairwise(invoices):
            assert sum(d.amount_pence for d in compare(now, before)) == now.total_pence - before.total_pence


_charges = st.lists(
    st.builds(
        Charge,
        kind=st.just("usage"),
        label=st.sampled_from(["Plan", "Roaming", "Discount"]),
        amount_pence=st.integers(-5_000, 9_000),
        line_id=st.sampled_from([None, "L-1", "L-2"]),
    ),
    max_size=12,
)


def _invoice(charges: list[Charge]) -> Invoice:
    total_pence = sum(charge.amount_pence for charge in charges)
    return Invoice("INV", "2026-11", TODAY, TODAY, TODAY, TODAY, tuple(charges), total_pence, 0)


@given(_charges, _charges)
@settings(max_examples=100, deadline=None)
def test_the_differences_of_any_two_invoices_sum_to_the_difference_of_their_totals(now, before) -> None:
    a, b = _invoice(now), _invoice(before)
    assert sum(difference.amount_pence for difference in compare(a, b)) == a.total_pence - b.total_pence


async def test_a_duplicate_payment_is_found_and_its_refund_offered_with_everything_filled_in(tools, context) -> None:
    outcome = await tools.find_duplicate_payments(context())
    assert "£47.20 was paid twice" in outcome.facts[0]
    assert outcome.offer is not None and outcome.offer.tool == "request_refund"
    assert outcome.offer.question.startswith(
        "Would you like me to request a refund of £47.20 for the duplicate payment PAY-"
    )
    refund = await tools.request_refund(context(), **outcome.offer.arguments)
    assert (
        refund.data["status"] == "accepted"
        and "£47.20" in refund.facts[1]
        and refund.data["refund_id"] in refund.facts[1]
    )
    again = await tools.find_duplicate_payments(context())
    assert again.offer is None and refund.data["refund_id"] in " ".join(again.facts)


async def test_who_paid_nothing_twice_is_told_so_without_an_offer(tools, context) -> None:
    outcome = await tools.find_duplicate_payments(context("C-10002"))
    assert outcome.offer is None and "none was taken twice" in outcome.facts[0]


async def test_a_refund_above_fifty_pounds_waits_for_approval_and_leaves_the_balance_as_it_is(tools, context) -> None:
    cleo = ("C-10151", "borealis")
    offer = (await tools.find_duplicate_payments(context(*cleo))).offer
    refund = await tools.request_refund(context(*cleo), **offer.arguments)
    assert refund.data["status"] == "pending_approval" and "approval" in refund.facts[1]
    assert (await tools.get_balance(context(*cleo))).data["credit"] == "£58.50"


async def test_small_refunds_cannot_be_added_up_beyond_the_automatic_limit(tools, context) -> None:
    payments = (await tools.list_payments(context())).data["payments"]
    first = await tools.request_refund(context(), payments[0]["id"])
    second = await tools.request_refund(context(), payments[2]["id"])
    assert (first.data["status"], second.data["status"]) == ("accepted", "pending_approval")


async def test_a_payment_is_refunded_once(tools, context) -> None:
    payment_id = (await tools.list_payments(context())).data["payments"][0]["id"]
    await tools.request_refund(context(), payment_id)
    again = await tools.request_refund(context(), payment_id.lower())
    assert again.data["status"] == "refused" and "already been requested" in again.facts[0]


async def test_a_redelivered_call_gets_the_refund_it_made_the_first_time(tools, context) -> None:
    payment_id = (await tools.list_payments(context())).data["payments"][0]["id"]
    turn = context()
    first = await tools.request_refund(turn, payment_id)
    assert (await tools.request_refund(turn, payment_id)).data == first.data


async def test_of_many_requests_at_once_for_one_payment_one_is_accepted(tools, context) -> None:
    payment_id = (await tools.list_payments(context())).data["payments"][0]["id"]
    outcomes = await asyncio.gather(*(tools.request_refund(context(), payment_id) for _ in range(12)))
    assert sorted(outcome.data["status"] for outcome in outcomes) == ["accepted", *["refused"] * 11]


async def test_what_was_not_paid_is_not_refunded(tools, context) -> None:
    failed = (await tools.list_payments(context("C-10002"), month="October")).data["payments"][0]
    outcome = await tools.request_refund(context("C-10002"), failed["id"])
    assert outcome.data["status"] == "refused" and "nothing to refund" in outcome.facts[0]


async def test_a_payment_older_than_180_days_is_not_refunded(tools, context) -> None:
    payments = await tools._book.payments(Account("aurora", "C-10001"))
    outcome = await tools.request_refund(context(), payments[-1].id)
    assert "180 days" in outcome.facts[0]


async def test_another_customers_payment_does_not_exist_for_me(tools, context) -> None:
    adas = (await tools.list_payments(context())).data["payments"][0]["id"]
    for user, tenant in (("C-10002", "aurora"), ("C-10151", "borealis"), ("C-10001", "borealis")):
        outcome = await tools.request_refund(context(user, tenant), adas)
        assert outcome.data["status"] == "refused" and "cannot find" in outcome.facts[0]
    assert "no billing account" in (await tools.get_invoice(context("C-10001", "borealis"))).facts[0]


async def test_the_balance_tells_what_is_open_overdue_and_in_credit(tools, context) -> None:
    ben = await tools.get_balance(context("C-10002"))
    assert ben.facts[0] == "£38.90 is open on your account." and "overdue by 18 days" in ben.facts[1]
    ada = await tools.get_balance(context())
    assert ada.data == {"open": "£61.40", "credit": "£47.20", "balance": "£14.20"}


async def test_a_refund_changes_the_balance_by_its_amount(tools, context) -> None:
    assert (await tools.get_balance(context())).data["balance"] == "£14.20"
    offer = (await tools.find_duplicate_payments(context())).offer
    await tools.request_refund(context(), **offer.arguments)
    assert (await tools.get_balance(context())).data["balance"] == "£61.40"


async def test_refund_status_tells_the_newest_or_the_one_asked_for(tools, context) -> None:
    assert (await tools.refund_status(context())).facts == ["No refund has been requested on your account."]
    offer = (await tools.find_duplicate_payments(context())).offer
    refund_id = (await tools.request_refund(context(), **offer.arguments)).data["refund_id"]
    assert refund_id in (await tools.refund_status(context(), refund_id=refund_id)).facts[0]
    assert "cannot find" in (await tools.refund_status(context("C-10002"), refund_id=refund_id)).facts[0]


async def test_lists_and_payment_method_read_as_answers(tools, context) -> None:
    invoices = await tools.list_invoices(context(), count=3)
    assert len(invoices.facts) == 4 and invoices.facts[1].startswith("November 2026: £61.40")
    method = await tools.payment_method(context())
    assert method.facts == [
        "You pay by direct debit.",
        "£61.40 for your November 2026 invoice is collected on 28 November 2026.",
    ]


async def test_a_sign_in_without_an_account_is_told_so_by_every_tool(tools, context) -> None:
    for name in ("get_invoice", "explain_invoice", "list_invoices", "get_balance", "payment_method"):
        outcome = await getattr(tools, name)(context("ops-1"))
        assert "no billing account" in outcome.facts[0], name


async def test_a_second_start_keeps_what_customers_did_and_a_new_seed_fills_the_database_anew(
    tmp_path: Path, context
) -> None:
    first = BillingTools.open(AgentSettings(data_dir=tmp_path, demo_today=TODAY))
    offer = (await first.find_duplicate_payments(context())).offer
    await first.request_refund(context(), **offer.arguments)
    assert (await BillingTools.open(AgentSettings(data_dir=tmp_path, demo_today=TODAY)).refund_status(context())).data[
        "refunds"
    ]
    other = BillingTools.open(AgentSettings(data_dir=tmp_path, demo_seed=7, demo_today=TODAY))
    assert "No refund" in (await other.refund_status(context())).facts[0]


def test_the_card_lists_exactly_the_tools_there_are_and_marks_money(tools) -> None:
    card = load_card(BILLING / "agent.yaml")
    declared = {tool.name: tool for tool in tools_of(tools)}
    assert set(card.tools) == set(declared)
    assert card.tools["request_refund"].risk == "money"
    assert sum(len(skill.examples) for skill in card.skills) >= 25
    assert declared["request_refund"].required == {"payment_id"}
    assert "x-ask" in declared["request_refund"].properties["payment_id"]
    assert all("Examples:" in tool.description for tool in declared.values())


async def test_totals_of_the_book_are_those_of_its_lines(tools) -> None:
    assert isinstance(tools._book, SqliteBillingBook)
    for invoice in await tools._book.invoices(Account("aurora", "C-10077")):
        assert replace(invoice, total_pence=sum(c.amount_pence for c in invoice.charges)) == invoice
