"""With the URL of an OpenAI-compatible server, the same path runs on that model: through Semantic Kernel's
function-calling loop, the sidecars and the gateway, to a server in another process, streaming."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from switchboard.testing.system import System

PROVIDER_KEY = "sk-scripted"
APPS = ["gateway", "supervisor", "billing"]
START_S = 20.0
REGISTERED_S = 5.0


class Provider:
    """The scripted model in its own process."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "switchboard.testing.scripted_model", "--port", str(port)]
        )
        give_up = time.monotonic() + START_S
        while True:
            try:
                httpx.get(f"{self.url}/healthz")
                return
            except httpx.TransportError:
                assert self._process.poll() is None and time.monotonic() < give_up
                time.sleep(0.05)

    def go_on(self) -> None:
        """Lets a step that waits say its other words."""
        httpx.post(f"{self.url}/go").raise_for_status()

    def script(self, *steps: dict[str, Any]) -> None:
        httpx.delete(f"{self.url}/requests")
        httpx.post(f"{self.url}/script", json={"steps": steps}).raise_for_status()

    @property
    def requests(self) -> list[dict[str, Any]]:
        return httpx.get(f"{self.url}/requests").json()["requests"]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    running = Provider()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def on_real_model(provider: Provider) -> Iterator[System]:
    settings = {"OPENAI_BASE_URL": f"{provider.url}/v1", "OPENAI_API_KEY": PROVIDER_KEY, "OPENAI_MODEL": "scripted-1"}
    with System(apps=APPS, environment=settings) as system:
        give_up = time.monotonic() + REGISTERED_S
        while "billing" not in agents_of(system):
            assert time.monotonic() < give_up, "The billing agent did not register."
            time.sleep(0.05)
        yield system


def agents_of(system: System) -> str:
    """What the supervisor says of the agents that it knows."""
    headers = {"Authorization": f"Bearer {system.keys[0].key}"}
    return httpx.get(f"{system.url('supervisor')}/v1/agents", headers=headers, timeout=10).text


def events_of(system: System, message: str) -> Iterator[dict[str, Any]]:
    """The turn's events as they arrive."""
    key = next(each.key for each in system.keys if each.user == "C-10001")
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
    body = {"message": message, "agent": "billing"}
    with httpx.stream("POST", f"{system.url('supervisor')}/v1/chat", json=body, headers=headers, timeout=30) as answer:
        assert answer.status_code == 200, answer.read()
        for line in answer.iter_lines():
            if line.startswith("data:"):
                yield json.loads(line.removeprefix("data:"))


def test_the_model_calls_a_tool_reads_its_result_and_streams_the_answer(
    provider: Provider, on_real_model: System
) -> None:
    provider.script(
        {"tool_calls": [{"name": "get_invoice", "arguments": {}}]},
        {"text": "Here it is. That is your latest invoice. ", "wait_after": 4},
    )
    events: list[dict[str, Any]] = []
    for event in events_of(on_real_model, "Show me my latest invoice"):
        events.append(event)
        if event["type"] == "message.delta":
            provider.go_on()  # the model says the rest only after its first sentence has arrived
    by_type = {event["type"]: event for event in events}

    assert by_type["tool.called"]["name"] == "get_invoice"
    assert by_type["tool.result"]["ok"] is True
    assert by_type["turn.completed"]["text"].strip() == "Here it is. That is your latest invoice."
    assert by_type["turn.completed"]["usage"]["model_calls"] == 2

    assert len([event for event in events if event["type"] == "message.delta"]) >= 2

    asked = [request for request in provider.requests if request["body"].get("tools")]
    assert len(asked) == 2
    first, second = (request["body"] for request in asked)
    assert first["stream"] is True
    assert "get_invoice" in [each["function"]["name"] for each in first["tools"]]
    call, result = second["messages"][-2:]
    assert call["tool_calls"][0]["function"]["name"] == "get_invoice"
    assert (result["role"], result["tool_call_id"]) == ("tool", call["tool_calls"][0]["id"])
    assert "£" in json.loads(result["content"])["facts"][0] or "INV-" in result["content"]
    assert {request["headers"]["authorization"] for request in asked} == {f"Bearer {PROVIDER_KEY}"}
    assert {request["body"]["model"] for request in asked} == {"scripted-1"}


def test_arguments_that_do_not_fit_are_told_to_the_model_which_tries_again(
    provider: Provider, on_real_model: System
) -> None:
    provider.script(
        {"tool_calls": [{"name": "get_invoice", "arguments": {"month": "some day in autumn"}}]},
        {"tool_calls": [{"name": "get_invoice", "arguments": {}}]},
        {"text": "Here it is."},
    )
    events = list(events_of(on_real_model, "Show me my invoice of autumn"))
    assert [event["ok"] for event in events if event["type"] == "tool.result"] == [False, True]
    assert events[-1]["type"] == "turn.completed"


def test_a_provider_that_fails_gives_a_sentence_and_never_its_own_words(
    provider: Provider, on_real_model: System
) -> None:
    # The gateway may try more than once, so the failure does not end with the first step.
    provider.script(*[{"status": 500, "message": "secret of the provider"}] * 20)
    events = list(events_of(on_real_model, "Show me my latest invoice"))
    assert events[-1]["type"] == "turn.failed"
    assert "secret" not in json.dumps(events)
