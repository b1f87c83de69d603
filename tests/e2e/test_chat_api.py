"""The chat API of the real system: JSON, stream, WebSocket, history, repetition."""

import json
from collections.abc import Iterator

import httpx
import pytest
from websockets.sync.client import connect

from switchboard.testing.system import System

ADA = {"Authorization": "Bearer demo-aurora-ada"}
INVOICE = "Why is my latest invoice higher than the one before?"
ROUTER = "What does a blinking red light on the router mean?"


@pytest.fixture
def api(system: System) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=system.url("supervisor"), headers=ADA, timeout=60) as client:
        yield client


def events_of(text: str) -> list[dict[str, object]]:
    return [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:")]


def test_a_question_is_answered_as_json_with_its_trace(api: httpx.Client) -> None:
    answer = api.post("/v1/chat", json={"message": INVOICE})

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["agents"] == ["billing"]
    assert "£" in body["text"]
    assert answer.headers["x-trace-id"] == body["trace_id"]


def test_the_stream_tells_the_turn_in_order(api: httpx.Client) -> None:
    answer = api.post("/v1/chat", json={"message": ROUTER}, headers={"Accept": "text/event-stream"})

    events = events_of(answer.text)
    kinds = [event["type"] for event in events]
    assert kinds[:3] == ["turn.started", "route.decided", "agent.started"]
    assert kinds.index("tool.called") < kinds.index("tool.result") < kinds.index("message.delta")
    assert kinds[-1] == "turn.completed"
    assert "".join(str(event["text"]) for event in events if event["type"] == "message.delta") == events[-1]["text"]
    assert events[-1]["citations"]


def test_a_citation_opens_its_document(api: httpx.Client) -> None:
    citation = api.post("/v1/chat", json={"message": ROUTER}).json()["citations"][0]
    source = api.get("/v1/sources", params={"uri": citation["uri"]})

    assert source.status_code == 200, source.text
    assert citation["span"][:40] in json.dumps(source.json(), ensure_ascii=False)


def test_two_agents_give_one_answer(api: httpx.Client) -> None:
    answer = api.post("/v1/chat", json={"message": "I was charged twice and my router blinks red"}).json()

    assert answer["agents"] == ["billing", "tech"]
    assert "**Billing**" in answer["text"] and "**Tech support**" in answer["text"]


def test_a_conversation_keeps_its_history(api: httpx.Client) -> None:
    first = api.post("/v1/chat", json={"message": INVOICE}).json()
    second = api.post(
        "/v1/chat", json={"message": "and the one before?", "conversation_id": first["conversation_id"]}
    ).json()
    page = api.get(f"/v1/conversations/{first['conversation_id']}").json()

    assert second["route"]["by"] == "follow_up"
    assert [turn["turn_id"] for turn in page["turns"]] == [first["turn_id"], second["turn_id"]]


def test_the_same_key_gives_the_same_turn(api: httpx.Client) -> None:
    key = {"Idempotency-Key": "e2e-same-turn"}
    first, second = (api.post("/v1/chat", json={"message": INVOICE}, headers=key).json() for _ in range(2))

    assert first == second


def test_a_stream_is_resumed_where_it_broke(api: httpx.Client) -> None:
    answer = api.post("/v1/chat", json={"message": INVOICE}, headers={"Accept": "text/event-stream"})
    events = events_of(answer.text)
    turn_id = events[0]["turn_id"]
    rest = api.get(f"/v1/turns/{turn_id}/events", headers={"Last-Event-ID": f"{turn_id}:4"})

    assert events_of(rest.text) == events[4:]


def test_the_websocket_carries_the_same_events(system: System) -> None:
    url = system.url("supervisor").replace("http", "ws", 1) + "/v1/chat/ws"
    with connect(url, proxy=None) as socket:
        socket.send(json.dumps({"authorization": "Bearer demo-aurora-ada"}))
        socket.send(json.dumps({"message": INVOICE}))
        kinds = []
        while not kinds or kinds[-1] not in ("turn.completed", "turn.failed"):
            kinds.append(json.loads(socket.recv(timeout=30))["type"])

    assert kinds[0] == "turn.started"
    assert kinds[-1] == "turn.completed"


def test_everything_it_needs_is_ready_and_documented(api: httpx.Client) -> None:
    assert set(api.get("/readyz").json()["checks"]) == {"sidecar", "statestore", "pubsub", "gateway"}
    assert "/v1/chat" in api.get("/openapi.json").json()["paths"]
    assert {agent["id"] for agent in api.get("/v1/agents").json()["agents"]} >= {"billing", "tech"}
