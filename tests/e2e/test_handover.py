"""A conversation of the real system goes to a person and comes back."""

import httpx
import pytest

from switchboard.testing.system import System

ADA = {"Authorization": "Bearer demo-aurora-ada"}
OPERATOR = {"Authorization": "Bearer demo-aurora-ops"}


@pytest.fixture
def url(system: System) -> str:
    return system.url("supervisor")


def ask(url: str, message: str, conversation: str | None = None) -> dict[str, object]:
    body = {"message": message} | ({"conversation_id": conversation} if conversation else {})
    answer = httpx.post(f"{url}/v1/chat", json=body, headers=ADA, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_agents_are_silent_while_a_person_has_the_conversation(url: str) -> None:
    conversation = str(ask(url, "Why is my latest invoice higher than the one before?")["conversation_id"])
    handed = ask(url, "This does not help. I want to talk to a real person!", conversation)
    assert handed["route"]["by"] == "person"  # type: ignore[index]
    assert "colleague" in str(handed["text"])

    waiting = ask(url, "My router blinks red", conversation)
    assert waiting["agents"] == []

    path = f"{url}/v1/conversations/{conversation}"
    page = httpx.get(path, headers=ADA, timeout=60).json()
    assert page["handover"]["reason"] == "asked"
    assert httpx.delete(f"{path}/handover", headers=ADA, timeout=60).status_code == 403
    assert httpx.delete(f"{path}/handover", headers=OPERATOR, timeout=60).status_code == 204
    assert ask(url, "My router blinks red", conversation)["agents"] == ["tech"]


def test_two_refusals_in_a_row_bring_a_person(url: str) -> None:
    first = ask(url, "What is the capital of Mongolia?")
    assert first["route"]["by"] == "out_of_scope"  # type: ignore[index]
    second = ask(url, "Write me a poem about the autumn", str(first["conversation_id"]))

    assert second["route"]["by"] == "person"  # type: ignore[index]


def test_a_decision_says_why(url: str) -> None:
    route = ask(url, "my ruter blinks red")["route"]

    assert route["agents"] == ["tech"]  # type: ignore[index]
    assert route["scores"]["tech"] > 0.8  # type: ignore[index]
    assert "tech" in route["why"]  # type: ignore[index]
