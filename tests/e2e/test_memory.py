"""Memory, over HTTP on the whole system: months spoken of before, what is remembered of a user, and forgetting it."""

import time
from collections.abc import Iterator

import httpx
import pytest

from switchboard.testing.system import System

ADA = {"Authorization": "Bearer demo-aurora-ada"}
BEN = {"Authorization": "Bearer demo-aurora-ben"}


@pytest.fixture
def api(system: System) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=system.url("supervisor"), headers=ADA, timeout=60) as client:
        client.delete("/v1/memory", params={"conversations": "true"}).raise_for_status()
        yield client
        client.delete("/v1/memory", params={"conversations": "true"}).raise_for_status()


def ask(api: httpx.Client, message: str, conversation_id: str | None = None) -> dict[str, str]:
    body = {"message": message} | ({"conversation_id": conversation_id} if conversation_id else {})
    answer = api.post("/v1/chat", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def learned(api: httpx.Client, text: str) -> dict[str, object]:
    """The memory, once `text` is in it: it is written a second after the answer."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        memory = api.get("/v1/memory")
        if text in memory.text:
            break
        time.sleep(0.2)
    assert text in memory.text
    return memory.json()


def test_a_follow_up_looks_up_the_month_before_the_one_that_was_spoken_of(api: httpx.Client) -> None:
    first = ask(api, "Show me my invoice for October 2026")
    assert "October 2026" in first["text"]
    follow_up = ask(api, "and last month's?", first["conversation_id"])
    assert "September 2026" in follow_up["text"], "last month is October, and that was just shown"
    again = ask(api, "and the month before?", first["conversation_id"])
    assert "August 2026" in again["text"]


def test_last_month_is_the_one_before_this_where_the_latest_invoice_was_spoken_of(api: httpx.Client) -> None:
    first = ask(api, "How much is my latest invoice?")
    follow_up = ask(api, "and last month's?", first["conversation_id"])
    assert first["text"].startswith("Your November 2026 invoice")
    assert follow_up["text"].startswith("Your October 2026 invoice")


def test_nothing_is_remembered_across_conversations_before_the_user_agrees(api: httpx.Client) -> None:
    ask(api, "I prefer e-mail to calls. How much do I owe?")
    time.sleep(2)
    memory = api.get("/v1/memory").json()
    assert memory == {
        "consent": False,
        "consented_at": None,
        "preferences": [],
        "entities": [],
        "conversations": [],
        "updated_at": None,
    }


def test_what_is_remembered_helps_in_the_next_conversation_and_is_forgotten_on_demand(api: httpx.Client) -> None:
    agreed = api.put("/v1/memory/consent", json={"consent": True})
    assert agreed.status_code == 200 and agreed.json()["consent"]
    offer = ask(api, "Please open a ticket: my router blinks red. I prefer e-mail to calls.")
    ticket = next(word.strip(".,:;()") for word in offer["text"].split() if word.startswith("TCK-"))
    memory = learned(api, ticket)
    assert "I prefer e-mail to calls" in memory["preferences"]  # type: ignore[operator]
    assert httpx.get(f"{str(api.base_url).rstrip('/')}/v1/memory", headers=BEN).json()["entities"] == []

    other = ask(api, "What is the status of my ticket?")
    assert ticket in other["text"], "known from the conversation before"

    gone = api.delete("/v1/memory", params={"conversations": "true"}).json()
    assert gone["conversations"] >= 2 and gone["transcripts"]
    assert ticket not in api.get("/v1/memory").text
    assert api.get(f"/v1/conversations/{offer['conversation_id']}").status_code == 404


def test_a_conversation_is_deleted_by_its_owner_only(api: httpx.Client) -> None:
    said = ask(api, "How much do I owe?")
    address = f"/v1/conversations/{said['conversation_id']}"
    stranger = httpx.delete(f"{str(api.base_url).rstrip('/')}{address}", headers=BEN)
    assert stranger.status_code == 404 and stranger.headers["content-type"] == "application/problem+json"
    assert api.get(address).status_code == 200
    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404
    assert api.get(f"/v1/turns/{said['turn_id']}/events").status_code == 404


def test_a_consent_that_is_none_is_told_in_a_sentence(api: httpx.Client) -> None:
    answer = api.put("/v1/memory/consent", json={"consent": "maybe"})
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["message"].startswith("'consent' is not valid")
    assert api.put("/v1/memory/consent", content=b"{", headers={"content-type": "application/json"}).status_code == 400


def test_a_long_conversation_keeps_what_was_said_at_its_start(api: httpx.Client) -> None:
    first = ask(api, "Show me my invoice for August 2026")
    conversation_id = first["conversation_id"]
    for message in ("thanks", "hello", "thank you", "thanks a lot", "hi", "thanks"):
        ask(api, message, conversation_id)
    time.sleep(2.5)  # folded a second after the answer
    later = ask(api, "and the invoice of the month before that one?", conversation_id)
    assert "July 2026" in later["text"]
