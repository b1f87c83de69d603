"""The main job over HTTP: what customers ask, answered by the real system with the embedded model and the demo's data.

Every expected fact is taken from the generator, none is written down here.
"""

import re
import sqlite3
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from switchboard.demo.company import company
from switchboard.demo.model import DemoInvoice, DemoPayment
from switchboard.testing.system import System

ADA, BEN, CLEO = "demo-aurora-ada", "demo-aurora-ben", "demo-borealis-cleo"
USER = {ADA: "C-10001", BEN: "C-10002", CLEO: "C-10151"}
RED_LIGHT = "router-light-blinking-red"
TICKET = re.compile(r"TCK-\d{6}")

Answer = Mapping[str, Any]


class Customer:
    """One customer in one conversation."""

    def __init__(self, system: System, key: str = ADA) -> None:
        self._url = system.url("supervisor")
        self._key = key
        self._conversation: str | None = None

    def ask(self, message: str) -> Answer:
        body = {"message": message}
        if self._conversation is not None:
            body["conversation_id"] = self._conversation
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        response = httpx.post(f"{self._url}/v1/chat", json=body, headers=headers, timeout=60)
        assert response.status_code == 200, response.text
        answer: Answer = response.json()
        self._conversation = answer["conversation_id"]
        return answer


def pounds(pence: int) -> str:
    return f"£{pence / 100:,.2f}"


def last_invoices(customer_id: str) -> tuple[DemoInvoice, DemoInvoice]:
    """The latest invoice and the one before."""
    invoices = sorted((i for i in company().invoices if i.customer_id == customer_id), key=lambda i: i.issued_on)
    return invoices[-1], invoices[-2]


def duplicate_of(customer_id: str) -> DemoPayment:
    """The later payment of the invoice that the customer has paid twice."""
    before = last_invoices(customer_id)[1]
    paid = [p for p in company().payments if p.invoice_id == before.id and p.status == "settled"]
    assert len(paid) == 2
    return max(paid, key=lambda payment: payment.paid_on)


def cited(answer: Answer) -> set[str]:
    """Ids of the articles that an answer cites; each must be quoted by its number in the text."""
    for citation in answer["citations"]:
        assert f"[{citation['n']}]" in answer["text"]
        assert citation["span"]
    return {citation["uri"].removeprefix("kb://").split("/")[1].split("#")[0] for citation in answer["citations"]}


def ticket_rows(system: System, ticket_id: str) -> list[tuple[str, str, str]]:
    """Tenant, customer and subject of a ticket as it stands in the tech specialist's own database."""
    (path,) = system.state_dir.rglob("tech.sqlite")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        return connection.execute(
            "SELECT tenant, customer_id, subject FROM tickets WHERE number = ?", (int(ticket_id[4:]),)
        ).fetchall()


def by(text: str, *words: str) -> bool:
    return all(word.lower() in text.lower() for word in words)


# --- an invoice question ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [ADA, CLEO])
@pytest.mark.parametrize(
    "question",
    [
        "Why is my bill higher than last month?",
        "Why did my invoice go up this month?",
        "My latest bill is more expensive than the one before, why?",
        "why is this months bill so high",
        "Can you explain why I have to pay more this time?",
        "What has changed on my invoice compared to October?",
        "Explain my November bill please",
        "My bill went up. What happened?",
        "How come my invoice is higher than the last one?",
        "Why am I paying more than last month?",
        "Please explain my latest invoice",
    ],
)
def test_a_higher_invoice_is_explained_with_the_right_amounts(system: System, question: str, key: str) -> None:
    latest, before = last_invoices(USER[key])
    answer = Customer(system, key).ask(question)
    text = answer["text"]
    assert answer["agents"] == ["billing"], text
    assert pounds(latest.total_pence) in text, text
    assert pounds(before.total_pence) in text, text
    assert pounds(latest.total_pence - before.total_pence) in text, text
    new = {c.label: c.amount_pence for c in latest.charges if c.kind in ("roaming", "add_on")}
    old = {c.label for c in before.charges}
    for label, amount in new.items():
        if label not in old:
            assert by(text, label, pounds(amount)), text


@pytest.mark.parametrize(
    "question", ["How much is my latest bill?", "What do I have to pay this month?", "Show me my latest invoice"]
)
def test_the_latest_invoice_is_looked_up(system: System, question: str) -> None:
    latest, _ = last_invoices("C-10001")
    answer = Customer(system).ask(question)
    assert answer["agents"] == ["billing"], answer["text"]
    assert pounds(latest.total_pence) in answer["text"], answer["text"]


# --- a troubleshooting question --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        "My router blinks red",
        "My router is blinking red, what does it mean?",
        "The light on my router is flashing red",
        "What does a blinking red light on the router mean?",
        "there's a red light blinking on my hub",
        "How do I fix a router that blinks red?",
        "My router keeps flashing red and nothing works",
        "red flashing light on router",
        "The broadband light blinks red, what can I do?",
        "Why is my router blinking red?",
        "router blinking red since this morning, help",
    ],
)
def test_a_blinking_red_light_is_answered_from_its_article(system: System, question: str) -> None:
    answer = Customer(system).ask(question)
    assert answer["agents"] == ["tech"], answer["text"]
    assert RED_LIGHT in cited(answer), answer["text"]
    assert by(answer["text"], "loss of signal") or by(answer["text"], "cable", "restart"), answer["text"]


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("How do I set up my eSIM?", "esim-setup"),
        ("My phone says SIM not detected", "sim-not-detected"),
        ("How do I change my voicemail greeting?", "voicemail"),
        ("How do I turn on Wi-Fi calling?", "wifi-calling"),
        ("How do I reset the router to factory settings?", "restart-or-reset-router"),
        ("How do I set up my mesh points?", "mesh-setup"),
        ("What are the APN settings?", "apn-settings-aurora"),
        ("I lost my phone, what should I do?", "lost-or-stolen-phone"),
        ("How do I forward a port for my console?", "port-forwarding"),
        ("How can I block websites for my children?", "parental-controls"),
        ("My Wi-Fi is very slow, how can I make it faster?", "slow-wifi"),
        ("My broadband keeps dropping out", "broadband-drops"),
    ],
)
def test_a_how_to_question_cites_the_right_article(system: System, question: str, article: str) -> None:
    answer = Customer(system).ask(question)
    assert answer["agents"] == ["tech"], answer["text"]
    assert article in cited(answer), answer["text"]


@pytest.mark.parametrize("key", [ADA, CLEO])
@pytest.mark.parametrize(
    "question", ["Please run a line test", "Is there a fault on my line?", "Can you check my connection?"]
)
def test_a_line_test_tells_what_the_customers_own_router_shows(system: System, key: str, question: str) -> None:
    status = company().line_status(USER[key])
    assert status is not None
    answer = Customer(system, key).ask(question)
    assert by(answer["text"], status.router, status.led, "offline"), answer["text"]


# --- "yes please" ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "opening", ["My router blinks red", "Please run a line test", "The light on my router is flashing red"]
)
@pytest.mark.parametrize("reply", ["yes please", "Yes, please open one", "ok do it", "sure"])
def test_a_yes_to_the_offer_opens_a_ticket(system: System, opening: str, reply: str) -> None:
    customer = Customer(system)
    offered = customer.ask(opening)
    assert "ticket" in offered["text"].lower(), offered["text"]
    answer = customer.ask(reply)
    assert answer["agents"] == ["tech"], answer["text"]
    found = TICKET.search(answer["text"])
    assert found, answer["text"]
    ((tenant, user, subject),) = ticket_rows(system, found[0])
    assert (tenant, user) == ("aurora", "C-10001")
    assert "red" in subject


def test_a_no_to_the_offer_opens_nothing(system: System) -> None:
    customer = Customer(system)
    customer.ask("My router blinks red")
    assert not TICKET.search(customer.ask("no thanks")["text"])


# --- a comparison ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Compare the Kestrel 12 and the Lumen X5", ("Kestrel 12", "Lumen X5")),
        ("What is the difference between the Kestrel 12 and the Lumen X5?", ("Kestrel 12", "Lumen X5")),
        ("kestrel 12 vs lumen x5", ("Kestrel 12", "Lumen X5")),
        ("Which is better, the Fjord One or the Kestrel 11?", ("Fjord One", "Kestrel 11")),
        ("Kestrel 12 or Kestrel 12 Pro?", ("Kestrel 12", "Kestrel 12 Pro")),
        ("How does the Tarn Fold 2 compare to the Tarn Flip 2?", ("Tarn Fold 2", "Tarn Flip 2")),
        ("Compare Vista TV Box with Vista TV Box Pro", ("Vista TV Box", "Vista TV Box Pro")),
        ("Can you compare the Lumen X5 and the Lumen X5 Plus for me?", ("Lumen X5", "Lumen X5 Plus")),
        ("Aurora Hub 2 versus Aurora Hub 3 Pro", ("Aurora Hub 2", "Aurora Hub 3 Pro")),
        ("difference between kestrel buds pro and lumen buds lite", ("Kestrel Buds Pro", "Lumen Buds Lite")),
    ],
)
def test_two_products_are_compared_with_their_own_prices(system: System, question: str, names: tuple[str, str]) -> None:
    answer = Customer(system).ask(question)
    assert answer["agents"] == ["product"], answer["text"]
    for name in names:
        product = next(each for each in company().products if each.name == name)
        assert by(answer["text"], name, pounds(product.price_pence)), answer["text"]


# --- two matters in one message --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        "I was charged twice and my router blinks red",
        "My router blinks red and I was charged twice",
        "I was charged twice. Also, my router is blinking red.",
        "I've been charged twice this month and my router is flashing red",
        "You debited my account twice and the light on my router flashes red",
        "my router flashes red, and also you took the money twice",
        "Two problems: I was charged twice, and my router blinks red",
        "Why was I charged twice and why does my router blink red?",
        "I paid twice for October and my router blinks red",
        "hi, I was charged twice and my router blinks red, please help",
    ],
)
def test_billing_and_tech_answer_one_message_together(system: System, question: str) -> None:
    duplicate = duplicate_of("C-10001")
    answer = Customer(system).ask(question)
    text = answer["text"]
    assert set(answer["agents"]) == {"billing", "tech"}, text
    assert by(text, "billing", "tech"), text
    assert pounds(duplicate.amount_pence) in text, text
    assert by(text, "red"), text
    assert RED_LIGHT in cited(answer) or "blinking red" in text, text


# --- a missing detail ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", ["Open a ticket", "Please open a ticket", "I want to open a support ticket"])
def test_a_ticket_without_a_problem_asks_for_it_and_goes_on_with_the_reply(system: System, request_: str) -> None:
    customer = Customer(system)
    asked = customer.ask(request_)
    assert asked["agents"] == ["tech"], asked["text"]
    assert asked["text"].rstrip().endswith("?"), asked["text"]
    assert not TICKET.search(asked["text"]), asked["text"]
    answer = customer.ask("The picture on my TV box freezes every evening")
    found = TICKET.search(answer["text"])
    assert found, answer["text"]
    ((_, user, subject),) = ticket_rows(system, found[0])
    assert user == "C-10001"
    assert "freezes every evening" in subject


@pytest.mark.parametrize("request_", ["I want a refund", "I would like a refund please", "Please refund a payment"])
def test_a_refund_without_a_payment_asks_for_it_and_goes_on_with_the_reply(system: System, request_: str) -> None:
    duplicate = duplicate_of("C-10151")
    customer = Customer(system, CLEO)
    asked = customer.ask(request_)
    assert asked["agents"] == ["billing"], asked["text"]
    assert "?" in asked["text"], asked["text"]
    answer = customer.ask(duplicate.id)
    assert answer["agents"] == ["billing"], answer["text"]
    assert duplicate.id in answer["text"] or pounds(duplicate.amount_pence) in answer["text"], answer["text"]


# --- nothing of ours, and nothing known ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        "Write me a poem about the sea",
        "What is the capital of France?",
        "Who won the football world cup in 1966?",
        "Can you book me a flight to Rome?",
        "How do I bake sourdough bread?",
        "What will the weather be tomorrow?",
        "Translate good morning into Japanese",
        "What is the square root of 1764?",
        "Recommend a good horror film",
        "Is my blood pressure too high?",
    ],
)
def test_what_is_out_of_scope_is_told_what_we_can_help_with(system: System, question: str) -> None:
    answer = Customer(system).ask(question)
    text = answer["text"]
    assert answer["citations"] == [], text
    assert "help" in text.lower(), text
    assert by(text, "invoice") or by(text, "bill"), text


@pytest.mark.parametrize(
    "question",
    [
        "Which paint colour is the inside of the router made with?",
        "What is the name of the engineer who designed the Aurora Hub 2?",
        "How many employees does your billing department have?",
        "Which bank does your company keep its money at?",
        "Does the Kestrel 12 have a thermometer for swimming pools?",
        "What is the melting point of the SIM card?",
        "How tall is the mast behind the town hall?",
        "Does the router support carrier pigeons?",
        "Can I pay my bill with bitcoin?",
    ],
)
def test_a_question_without_an_answer_is_not_answered(system: System, question: str) -> None:
    text = Customer(system).ask(question)["text"]
    said = text.lower().replace("’", "'")
    assert re.search(
        r"(do not|don't|cannot|can't|could not|couldn't) (know|find|answer|help)|no answer|outside of what i can help with"
        r"|^this is the closest that i have:",
        said,
    ), text
    # Not one of their own amounts; an article that is only near may be told after the word that it is not certain.
    assert pounds(last_invoices("C-10001")[0].total_pence) not in text, text


# --- nobody else's data ----------------------------------------------------------------------------------------


def test_a_customer_sees_only_their_own(system: System) -> None:
    latest, _ = last_invoices("C-10001")
    answer = Customer(system, CLEO).ask(f"Show me invoice {latest.id}")
    assert pounds(latest.total_pence) not in answer["text"], answer["text"]
    theirs = next(t for t in company().tickets if t.customer_id == "C-10001")
    assert theirs.subject not in Customer(system, CLEO).ask(f"What happened to ticket {theirs.id}?")["text"]


def test_an_overdue_invoice_is_named_to_its_customer(system: System) -> None:
    overdue = last_invoices("C-10002")[1]
    answer = Customer(system, BEN).ask("Is anything overdue on my account?")
    assert answer["agents"] == ["billing"], answer["text"]
    assert pounds(overdue.total_pence) in answer["text"], answer["text"]
