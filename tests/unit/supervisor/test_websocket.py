"""The chat over a WebSocket."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from services.supervisor.api.application import create_app
from services.supervisor.bootstrap import build
from services.supervisor.settings import Settings
from switchboard.contracts.cards import AgentRegistration
from switchboard.sidecar.inmemory import InMemorySidecar
from tests.unit.supervisor.conftest import WordEmbedder, card

SIGN_IN = {"authorization": "Bearer demo-aurora-ada"}


KEYS = "keys: [{key: demo-aurora-ada, tenant: aurora, user: C-10001}, {key: demo-other, tenant: aurora, user: C-2}]"


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.yaml"
    path.write_text(KEYS)
    return path


@pytest.fixture
def client(keys_file: Path) -> Iterator[TestClient]:
    supervisor = build(Settings(keys_file=keys_file), InMemorySidecar(), WordEmbedder())
    with TestClient(create_app(supervisor)) as client:
        registration = AgentRegistration(card=card("billing"), app_id="billing", instance="1")
        assert client.portal is not None
        client.portal.call(supervisor.router.learn, {"billing": registration})
        yield client


def test_a_first_frame_signs_in_and_turns_follow(client: TestClient) -> None:
    with client.websocket_connect("/v1/chat/ws") as socket:
        socket.send_json(SIGN_IN)
        for _ in range(2):
            socket.send_json({"message": "hello"})
            kinds = [socket.receive_json()["type"] for _ in range(4)]
            assert kinds == ["turn.started", "route.decided", "message.delta", "turn.completed"]


def test_a_header_signs_in_too(client: TestClient) -> None:
    headers = {"Authorization": "Bearer demo-aurora-ada"}
    with client.websocket_connect("/v1/chat/ws", headers=headers) as socket:
        socket.send_json({"message": "hello"})
        assert socket.receive_json()["type"] == "turn.started"


@pytest.mark.parametrize("frame", ['{"authorization": "Bearer nope"}', '{"message": "hi"}', "{", "7"])
def test_without_a_key_it_is_closed_with_a_sentence(client: TestClient, frame: str) -> None:
    with client.websocket_connect("/v1/chat/ws") as socket:
        socket.send_text(frame)
        told = socket.receive_json()
        assert told["type"] == "turn.failed" and told["message"]
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == 1008


@pytest.mark.parametrize("frame", ["{", '{"message": ""}', '{"message": "hi", "conversation_id": "nope"}'])
def test_a_bad_request_is_told_and_the_connection_stays(client: TestClient, frame: str) -> None:
    with client.websocket_connect("/v1/chat/ws") as socket:
        socket.send_json(SIGN_IN)
        socket.send_text(frame)
        assert socket.receive_json()["type"] == "turn.failed"
        socket.send_json({"message": "hello"})
        assert socket.receive_json()["type"] == "turn.started"


def test_a_huge_frame_ends_the_connection(client: TestClient) -> None:
    with client.websocket_connect("/v1/chat/ws") as socket:
        socket.send_json(SIGN_IN)
        socket.send_text("x" * 100_000)
        assert socket.receive_json()["code"] == "too_large"
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == 1009


def test_one_user_has_so_many_connections_and_no_more(client: TestClient) -> None:
    with ExitStack() as opened:
        for _ in range(32):
            socket = opened.enter_context(
                client.websocket_connect("/v1/chat/ws", headers={"Authorization": "Bearer demo-other"})
            )
            socket.send_text("{")
            assert socket.receive_json()["code"] == "bad_request"
        one_more = opened.enter_context(
            client.websocket_connect("/v1/chat/ws", headers={"Authorization": "Bearer demo-other"})
        )
        assert one_more.receive_json()["code"] == "limit_exceeded"
    with client.websocket_connect("/v1/chat/ws", headers={"Authorization": "Bearer demo-other"}) as socket:
        socket.send_text("{")
        assert socket.receive_json()["code"] == "bad_request"


def test_a_connection_ends_when_its_key_is_revoked(client: TestClient, keys_file: Path) -> None:
    with client.websocket_connect("/v1/chat/ws") as socket:
        socket.send_json(SIGN_IN)
        keys_file.write_text("keys: [{key: demo-other, tenant: aurora, user: C-2}]")
        assert socket.receive_json()["code"] == "unauthenticated"
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == 1008


def test_a_key_gives_the_same_turn_and_a_turn_is_resumed_behind_what_was_heard(client: TestClient) -> None:
    with client.websocket_connect("/v1/chat/ws") as socket:
        socket.send_json(SIGN_IN)
        question = {"message": "hello", "idempotency_key": "k"}
        socket.send_json(question)
        first = [socket.receive_json() for _ in range(4)]
        assert [event["id"] for event in first] == [f"{first[0]['turn_id']}:{n}" for n in range(1, 5)]
        socket.send_json(question)
        assert [socket.receive_json() for _ in range(4)] == first
        socket.send_json({"resume": first[0]["turn_id"], "after": 2})
        assert [socket.receive_json() for _ in range(2)] == first[2:]
        socket.send_json({"resume": "nobody.1"})
        assert socket.receive_json()["code"] == "not_found"
        socket.send_json({"message": "resume"})
        assert socket.receive_json()["type"] == "turn.started"
