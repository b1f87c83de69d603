"""A conversation goes to a person, agents stay silent, and it comes back."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI

from services.supervisor.desk.handover import summary_of
from switchboard.contracts.handover import HandoverEvent
from switchboard.contracts.topics import HANDOVER as TOPIC
from switchboard.contracts.turns import HistoryMessage
from switchboard.sidecar.subscriptions import subscribe
from tests.unit.supervisor.conftest import ADA, BEN, CLEO, System

OPERATOR = {"Authorization": "Bearer demo-aurora-ops"}


@pytest.fixture
async def events(system: System) -> list[dict[str, Any]]:
    """What is published on `conversation.handover`."""
    heard: list[dict[str, Any]] = []
    listener = FastAPI()

    async def hear(event: HandoverEvent) -> None:
        heard.append(event.model_dump())

    subscribe(listener, TOPIC, hear, model=HandoverEvent, dead_letter_topic=None)
    await system.sidecar.attach("desk", listener)
    return heard


async def told(events: list[dict[str, Any]], count: int) -> None:
    for _ in range(1_000):
        if len(events) >= count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{len(events)} of {count} events came")


async def test_who_asks_for_a_person_is_told_what_happens_next(system: System, events: list[dict[str, Any]]) -> None:
    first = (await system.ask("Why is my invoice higher?")).json()
    answer = (await system.ask("I want to talk to a human", conversation_id=first["conversation_id"])).json()

    assert answer["route"]["by"] == "person"
    assert answer["agents"] == []
    assert "colleague" in answer["text"]
    assert "silent" in answer["text"]
    await told(events, 1)
    event = events[0]
    assert event["conversation_id"] == first["conversation_id"]
    assert (event["tenant"], event["user"], event["status"], event["reason"]) == (
        "aurora",
        "C-10001",
        "handed_over",
        "asked",
    )
    for fact in ("Why is my invoice higher?", "I want to talk to a human", "billing"):
        assert fact in event["summary"]


async def test_agents_stay_silent_until_it_is_handed_back(system: System, events: list[dict[str, Any]]) -> None:
    conversation = (await system.ask("human please")).json()["conversation_id"]
    page = (await system.api.get(f"/v1/conversations/{conversation}", headers=BEN)).status_code
    assert page == 404

    for ask in ({"message": "Why is my invoice higher?"}, {"message": "My router blinks red", "agent": "tech"}):
        answer = (await system.ask(**ask, conversation_id=conversation)).json()
        assert (answer["agents"], answer["route"]["by"]) == ([], "person")
    assert not any(each.requests for each in system.specialists.values())

    path = f"/v1/conversations/{conversation}/handover"
    assert (await system.api.delete(path, headers=OPERATOR)).status_code == 204
    back = (await system.ask("Why is my invoice higher?", conversation_id=conversation)).json()
    assert back["agents"] == ["billing"]
    await told(events, 2)
    assert [event["status"] for event in events] == ["handed_over", "returned"]


async def test_who_is_refused_twice_is_handed_over(system: System, events: list[dict[str, Any]]) -> None:
    first = (await system.ask("Sing me a song about the sea")).json()
    assert first["route"]["by"] == "out_of_scope"
    second = (await system.ask("What is the capital of Spain?", conversation_id=first["conversation_id"])).json()

    assert second["route"]["by"] == "person"
    assert "twice" in second["route"]["why"] or "2 times" in second["route"]["why"]
    await told(events, 1)
    assert events[0]["reason"] == "refused"


async def test_an_answer_between_two_refusals_starts_the_count_anew(system: System) -> None:
    conversation = (await system.ask("Sing me a song about the sea")).json()["conversation_id"]
    for message, by in (
        ("Show my last invoice", "classifier"),
        ("What is the capital of Spain?", "out_of_scope"),
        ("thanks", "small_talk"),
        ("Sing me a song about the sea", "person"),
    ):
        answer = (await system.ask(message, conversation_id=conversation)).json()
        assert answer["route"]["by"] == by, message


async def test_an_operator_takes_a_conversation_of_the_company_and_gives_it_back(
    system: System, events: list[dict[str, Any]]
) -> None:
    conversation = (await system.ask("Why is my invoice higher?")).json()["conversation_id"]
    path = f"/v1/conversations/{conversation}/handover"

    taken = await system.api.post(path, headers=OPERATOR)
    assert taken.status_code == 200, taken.text
    assert taken.json()["reason"] == "operator"
    assert (await system.api.post(path, headers=OPERATOR)).json() == taken.json()
    assert (await system.ask("Show my last invoice", conversation_id=conversation)).json()["agents"] == []
    assert (await system.api.delete(path, headers=OPERATOR)).status_code == 204
    assert (await system.api.delete(path, headers=OPERATOR)).status_code == 204
    assert (await system.ask("Show my last invoice", conversation_id=conversation)).json()["agents"] == ["billing"]
    await told(events, 2)
    assert len(events) == 2


async def test_strangers_neither_take_nor_return_a_conversation(system: System) -> None:
    conversation = (await system.ask("Why is my invoice higher?")).json()["conversation_id"]
    path = f"/v1/conversations/{conversation}/handover"

    assert (await system.api.post(path, headers=BEN)).status_code == 404
    assert (await system.api.post(path, headers=CLEO)).status_code == 404
    assert (await system.api.delete(path, headers=BEN)).status_code == 403
    assert (await system.api.delete("/v1/conversations/nothing/handover", headers=OPERATOR)).status_code == 404


async def test_the_page_of_a_conversation_says_that_a_person_has_it(system: System) -> None:
    conversation = (await system.ask("human please")).json()["conversation_id"]
    page = (await system.api.get(f"/v1/conversations/{conversation}", headers=ADA)).json()

    assert page["handover"]["reason"] == "asked"


async def test_a_job_hands_over_too(system: System, events: list[dict[str, Any]]) -> None:
    accepted = await system.api.post("/v1/jobs", json={"message": "I want to talk to a human"}, headers=ADA)
    assert accepted.status_code == 202
    await told(events, 1)
    conversation = accepted.json()["conversation_id"]
    assert (await system.ask("Show my last invoice", conversation_id=conversation)).json()["agents"] == []


def test_the_summary_is_short_whatever_was_said() -> None:
    history = [
        HistoryMessage(role="user" if n % 2 else "assistant", text="word " * 500, agent="tech") for n in range(12)
    ]
    summary = summary_of("asked", history, "x" * 8_000)

    assert len(summary) < 2_500
    assert "tech" in summary


@pytest.mark.parametrize("who", [ADA, OPERATOR])
async def test_a_conversation_that_is_deleted_is_not_there_to_be_handed_over(
    system: System, who: dict[str, str]
) -> None:
    conversation_id = (await system.ask("Why is my invoice higher?")).json()["conversation_id"]
    path = f"/v1/conversations/{conversation_id}"
    assert (await system.api.delete(path, headers=ADA)).status_code == 204
    assert (await system.api.post(f"{path}/handover", headers=who)).status_code == 404
    assert (await system.api.delete(f"{path}/handover", headers=OPERATOR)).status_code == 404
