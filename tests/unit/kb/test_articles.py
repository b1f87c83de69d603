"""The articles, the specialists' policies and the generator of the demo company agree, and the articles are well formed."""

import re
from functools import cache
from pathlib import Path

import pytest

from services.billing import policy as billing
from services.product import policy as product
from services.tech import policy as tech
from switchboard.demo import calendar, tariff
from switchboard.demo.catalogue import PRODUCTS
from switchboard.demo.company import TODAY
from switchboard.demo.people import BRANDS
from switchboard.demo.tariff import ADD_ONS_PENCE, PLANS
from switchboard.knowledge.articles.article import Article, read_article

SERVICES = Path(__file__).parents[3] / "services"
PATHS = sorted(SERVICES.glob("*/kb/*.md"))
POUNDS = re.compile(r"£(\d[\d,]*(?:\.\d\d)?)")


@cache
def article(path: Path) -> Article:
    return read_article(path)


def pence(amount: str) -> int:
    return round(float(amount.replace(",", "")) * 100)


every_article = pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parts[-3]}/{path.stem}")

POLICY_PHRASES = (
    (r"late payment fee", tariff.LATE_FEE_PENCE),
    (r"failed direct debit costs", tariff.FAILED_DIRECT_DEBIT_FEE_PENCE),
    (r"a failed one costs", tariff.FAILED_DIRECT_DEBIT_FEE_PENCE),
    (r"paper bill (?:costs|\|)", tariff.PAPER_BILL_FEE_PENCE),
    (r"replacement sim", tariff.SIM_REPLACEMENT_FEE_PENCE),
    (r"sim replacement", tariff.SIM_REPLACEMENT_FEE_PENCE),
    (r"set-up (?:fee|costs)", tariff.BROADBAND_SETUP_FEE_PENCE),
    (r"missed appointment|miss the appointment", tech.MISSED_APPOINTMENT_FEE_PENCE),
    (r"own equipment or wiring;? ?then it costs|engineer visit \|", tech.ENGINEER_VISIT_FEE_PENCE),
    (r"router (?:that is )?not returned", billing.UNRETURNED_ROUTER_FEE_PENCE),
    (r"europe day pass(?:es)? (?:costs|for|at)|day pass costs", tariff.EUROPE_DAY_PASS_PENCE),
    (r"world day pass(?:es)? (?:costs|for|at)?", tariff.WORLD_DAY_PASS_PENCE),
    (r"picture message \(mms\)", tariff.PICTURE_MESSAGE_PENCE),
    (r"call from the uk to another country", tariff.INTERNATIONAL_CALL_PENCE_PER_MINUTE),
    (r"084 (?:and|or) 087[^£\n|]* cost|call to an 084 or 087 number", tariff.SERVICE_NUMBER_PENCE_PER_MINUTE),
    (r"extra data \||beyond (?:your plan|that data) costs", tariff.EXTRA_DATA_PENCE_PER_GB),
    (r"for each whole day|outage credit is", tariff.OUTAGE_CREDIT_PENCE_PER_DAY),
    (r"welcome discount \|", tariff.WELCOME_DISCOUNT_PENCE),
    (r"loyalty discount \|", tariff.LOYALTY_DISCOUNT_PENCE),
    *(
        (rf"{re.escape(name.lower())}(?: add-on)?(?: costs| for| \||, )", price)
        for name, price in ADD_ONS_PENCE.items()
    ),
)
"""What an article says just before a price, and the price that the policy states."""

WORKED_EXAMPLES: dict[str, set[int]] = {
    "proration": {700, 950, 1650},
    "early-exit-fee": {15_000, 9_000},
    "duplicate-payments": {100},
    "credit-limit": {0, 500, 6_000, 15_000, 2_500},
    "roaming-charges": {0},
    "usage-charges": {3_500},
    "outage-credit": {2 * tariff.OUTAGE_CREDIT_PENCE_PER_DAY},
    "buying-a-phone": {2_912, 2_924},
    "outages": set(),
}
"""Amounts that an article works out from the policy, or that only it states."""


def stated_amounts() -> set[int]:
    constants = {
        value
        for name, value in (item for policy in (tariff, billing, tech, product) for item in vars(policy).items())
        if "PENCE" in name and isinstance(value, int)
    }
    return (
        constants
        | set(ADD_ONS_PENCE.values())
        | {plan.price_pence for plan in PLANS}
        | {product.price_pence for product in PRODUCTS}
    )


def test_there_are_enough_articles_of_each_kind() -> None:
    count = {name: len(list((SERVICES / name / "kb").glob("*.md"))) for name in ("billing", "tech", "product")}
    assert count["billing"] >= 22
    assert count["tech"] >= 24
    assert count["product"] >= 20


def test_every_id_is_unique_and_is_the_name_of_its_file() -> None:
    ids = [article(path).id for path in PATHS]
    assert len(set(ids)) == len(ids)
    assert ids == [path.stem for path in PATHS]


@every_article
def test_an_article_has_its_front_matter(path: Path) -> None:
    front = article(path).front
    assert front.summary.endswith(".")
    assert front.tags
    assert front.tenants
    assert set(front.tenants) <= set(BRANDS)
    assert front.updated is not None
    assert front.updated <= TODAY


@every_article
def test_an_article_has_headings_that_are_answered_at_once(path: Path) -> None:
    sections = re.split(r"^## .+$", article(path).text, flags=re.MULTILINE)
    assert len(sections) >= 3
    for section in sections[1:]:
        first = section.strip().split("\n", 1)[0]
        assert re.match(r"[A-Z0-9]", first), f"a heading is not followed by a sentence: {first!r}"
        assert "." in first or ":" in first


@every_article
def test_an_article_is_neither_a_note_nor_a_book(path: Path) -> None:
    assert 150 <= len(article(path).text.split()) <= 450


@every_article
def test_every_amount_is_one_that_the_company_charges(path: Path) -> None:
    allowed = stated_amounts() | WORKED_EXAMPLES.get(path.stem, set())
    unknown = [amount for amount in POUNDS.findall(article(path).text) if pence(amount) not in allowed]
    assert not unknown


@every_article
def test_a_price_behind_the_name_of_a_charge_is_the_one_of_the_policy(path: Path) -> None:
    for phrase, expected in POLICY_PHRASES:
        for match in re.finditer(rf"(?:{phrase})[^£.;\n]{{0,30}}£(\d[\d,]*\.\d\d)", article(path).text, re.IGNORECASE):
            assert pence(match[1]) == expected, match[0]


@pytest.mark.parametrize(("phrase", "expected"), POLICY_PHRASES)
def test_every_price_of_the_policy_is_in_some_article(phrase: str, expected: int) -> None:
    amount = f"£{expected / 100:.2f}"
    texts = [article(path).text for path in PATHS]
    assert any(re.search(phrase, text, re.IGNORECASE) and amount in text for text in texts)


TERMS = (
    (r"unpaid (\d+) days after its due date", tariff.LATE_FEE_GRACE_DAYS),
    (r"more than (\d+) days overdue;? (?:and|that pauses|outgoing)", billing.SUSPENSION_DAYS),
    (r"due (\d+) days after it was issued", calendar.PAYMENT_TERM_DAYS),
    (r"up to £(\d+)\.00 in total within 30 days", billing.REFUND_AUTOMATIC_MAX_PENCE // 100),
    (r"in total within (\d+) days", billing.REFUND_AUTOMATIC_WINDOW_DAYS),
    (r"first (\d+) working days after your report", billing.OUTAGE_CREDIT_AFTER_WORKING_DAYS),
    (r"return any product within (\d+) days", product.RETURN_DAYS),
    (r"warranty of (\d+) months", product.WARRANTY_MONTHS),
    (r"below (\d+) % of (?:the|your) plan", tech.MINIMUM_SPEED_PERCENT),
    (r"costs (\d+) % of the plan", billing.EARLY_EXIT_PERCENT),
    (r"refunded for (\d+) days", billing.REFUND_REQUEST_MAX_DAYS),
    (r"settled within (\d+) days", billing.DUPLICATE_WINDOW_DAYS),
    (r"(?:arrives|back|refunded) within (\d+) working days after the (?:refund|parcel)", billing.REFUND_PAID_WITHIN_WORKING_DAYS),
    (r"approves it within (\d+) working days", billing.REFUND_APPROVAL_WORKING_DAYS),
    (r"engineer (?:comes|is booked) within (\d+) working days", tech.ENGINEER_WITHIN_WORKING_DAYS),
    (r"[Uu]p to (\d+) GB of your", product.ROAMING_DATA_LIMIT_GB),
)  # fmt: skip
"""A term as an article states it, and as the policy does."""


@every_article
def test_the_terms_of_an_article_are_those_of_the_policy(path: Path) -> None:
    for phrase, expected in TERMS:
        for match in re.finditer(phrase, article(path).text):
            assert int(match[1]) == expected, match[0]


@pytest.mark.parametrize(("phrase", "expected"), TERMS)
def test_every_term_of_the_policy_is_in_some_article(phrase: str, expected: int) -> None:
    found = [match[1] for path in PATHS for match in re.finditer(phrase, article(path).text)]
    assert str(expected) in found


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.id)
def test_the_plan_articles_state_each_plan_as_it_is_sold(plan: tariff.DemoPlan) -> None:
    text = article(SERVICES / "product" / "kb" / f"{plan.kind}-plans-{plan.tenant}.md").text
    row = next(line for line in text.splitlines() if line.startswith(f"| {plan.name} |"))
    assert f"£{plan.price_pence / 100:.2f}" in row
    assert f"{plan.contract_months} month" in row
    if plan.kind == "broadband":
        assert f"{plan.download_mbps} Mbit/s | {plan.upload_mbps} Mbit/s" in row
    else:
        assert (f"{plan.data_gb} GB" if plan.data_gb else "unlimited") in row
        assert ("included" if plan.europe_roaming_included else "day pass") in row


def test_every_state_of_the_router_light_is_explained() -> None:
    texts = " ".join(article(path).text.lower() for path in PATHS if path.stem.startswith("router-light"))
    for led, meaning in tech.LED_MEANINGS.items():
        words = "no light means" if led == "off" else f"{led} "
        assert words in texts
        assert meaning.split(":")[0].split(" (")[0].split(",")[0] in texts
