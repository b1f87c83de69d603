"""Bad input, and parts that are down: problem JSON with a sentence for a person and a trace id, every time."""

from collections.abc import Iterator

import httpx
import pytest

from switchboard.testing.system import System

ADA = {"Authorization": "Bearer demo-aurora-ada"}
CLEO = {"Authorization": "Bearer demo-borealis-cleo"}
INVOICE = "Why is my latest invoice higher than the one before?"


def check(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    body = answer.json()
    assert body["code"] == code
    assert body["message"].endswith((".", "!", "?", "'"))
    assert body["trace_id"].strip("0") and answer.headers["x-trace-id"] == body["trace_id"]


@pytest.fixture
def api(system: System) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=system.url("supervisor"), headers=ADA, timeout=60) as client:
        yield client


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "bad_request"),
        (b'{"message": "hi', 400, "bad_request"),
        (b'{"message": ""}', 422, "unprocessable"),
        (b'{"message": "hi", "tenant": "borealis"}', 422, "unprocessable"),
        (b'{"message": "' + b"x" * 1_000_000 + b'"}', 413, "too_large"),
    ],
)
def test_a_body_that_is_not_right(api: httpx.Client, content: bytes, status: int, code: str) -> None:
    check(api.post("/v1/chat", content=content), status, code)


def test_a_wrong_key(api: httpx.Client) -> None:
    answer = api.post("/v1/chat", json={"message": "hi"}, headers={"Authorization": "Bearer wrong-key"})
    check(answer, 401, "unauthenticated")


def test_an_unknown_conversation_and_somebody_elses(api: httpx.Client) -> None:
    check(api.post("/v1/chat", json={"message": "hi", "conversation_id": "unknown"}), 404, "not_found")
    mine = api.post("/v1/chat", json={"message": "hello"}).json()["conversation_id"]
    check(api.post("/v1/chat", json={"message": "hi", "conversation_id": mine}, headers=CLEO), 404, "not_found")
    check(api.get(f"/v1/conversations/{mine}", headers=CLEO), 404, "not_found")
    assert api.get(f"/v1/conversations/{mine}").json()["turn_count"] == 1


@pytest.fixture(scope="module")
def fragile() -> Iterator[System]:
    with System(apps=["supervisor", "gateway", "billing"]) as system:
        yield system


def test_a_gateway_that_is_down_and_then_an_agent_that_is_down(fragile: System) -> None:
    with httpx.Client(base_url=fragile.url("supervisor"), headers=ADA, timeout=60) as api:
        fragile.kill("gateway")
        check(api.post("/v1/chat", json={"message": INVOICE}), 503, "unavailable")
        not_ready = api.get("/readyz")
        assert not_ready.status_code == 503
        assert not_ready.json()["checks"]["gateway"] is False

        fragile.kill("billing")
        started = api.post("/v1/chat", json={"message": INVOICE})
        check(started, 503, "unavailable")
        assert "Billing" in started.json()["message"]
