"""A turn is one trace, from the spans that the processes and their sidecars really export."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from switchboard.testing.system import System

TRACE_S_MAX = 20.0
REGISTERED_S_MAX = 15.0
OURS = {"supervisor", "billing", "tech", "product", "gateway"}
QUESTION = "Why is my latest invoice higher than the one before?"

Spans = list[dict[str, Any]]


@pytest.fixture(scope="module", autouse=True)
def billing_is_known(system: System) -> None:
    """Agents register right after they are ready; a question before that would go to nobody."""
    until = time.monotonic() + REGISTERED_S_MAX
    while time.monotonic() < until:
        agents = httpx.get(system.url("supervisor") + "/v1/agents", headers=headers(system)).json()["agents"]
        if {"billing", "tech", "product"} <= {agent["id"] for agent in agents}:
            return
        time.sleep(0.2)
    pytest.fail("The agents have not registered.")


def headers(system: System, role: str = "customer") -> dict[str, str]:
    key = next(each.key for each in system.keys if role in each.roles)
    return {"authorization": f"Bearer {key}"}


def spans_of(system: System, path: str, complete: Callable[[Spans], bool]) -> Spans:
    """The spans of the one trace at `path`, once it is complete. Fails when it does not become so."""
    until = time.monotonic() + TRACE_S_MAX
    spans: Spans = []
    while time.monotonic() < until:
        answer = httpx.get(system.url("console") + path, headers=headers(system))
        if answer.status_code == 200:
            traces = answer.json().get("traces", [answer.json()])
            assert len(traces) == 1, "a turn is one trace"
            spans = traces[0]["spans"]
            if complete(spans) and not any(span["orphan"] for span in spans):
                return spans
        time.sleep(0.3)
    pytest.fail("The trace stays incomplete: " + "; ".join(f"{s['service']} {s['name']}" for s in spans))


def services_up(spans: Spans, span: dict[str, Any]) -> list[str]:
    """The services from a span up to the root, each run of the same one once."""
    by_id = {each["span_id"]: each for each in spans}
    services: list[str] = []
    step: dict[str, Any] | None = span
    while step is not None:
        if not services or services[-1] != step["service"]:
            services.append(step["service"])
        step = by_id.get(step["parent_id"])
    return services


def named(spans: Spans, service: str, prefix: str) -> dict[str, Any]:
    return next(each for each in spans if each["service"] == service and each["name"].startswith(prefix))


def has(*wanted: tuple[str, str]) -> Callable[[Spans], bool]:
    """Whether each (service, start of a span's name) is there."""
    return lambda spans: all(any(s["service"] == a and s["name"].startswith(b) for s in spans) for a, b in wanted)


def assert_stamped(spans: Spans, conversation_id: str, turn_id: str) -> None:
    mine = {"conversation.id": conversation_id, "turn.id": turn_id, "tenant.id": "aurora"}
    for span in spans:
        if span["service"] in OURS:
            found = {name: span["attributes"].get(name) for name in mine}
            assert found == mine, f"{span['service']} {span['name']}"


def test_the_spans_of_a_turn_form_one_trace_through_sidecars_specialist_tool_and_gateway(system: System) -> None:
    answer = httpx.post(
        system.url("supervisor") + "/v1/chat",
        json={"message": QUESTION},
        headers=headers(system) | {"accept": "application/json"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    turn = answer.json()
    assert turn["agents"] == ["billing"], answer.text
    assert turn["trace_id"] == answer.headers["x-trace-id"]

    whole = has(("supervisor", "POST /v1/chat"), ("billing", "execute_tool"), ("gateway", "chat "))
    spans = spans_of(system, f"/api/traces/{turn['trace_id']}", whole)

    tool = named(spans, "billing", "execute_tool")
    assert services_up(spans, tool) == ["billing", "billing.dapr", "supervisor.dapr", "supervisor"]
    model = named(spans, "gateway", "chat ")
    through = ["gateway", "gateway.dapr", "billing.dapr", "billing", "billing.dapr", "supervisor.dapr", "supervisor"]
    assert services_up(spans, model) == through
    assert [span["name"] for span in spans if not span["parent_id"]] == ["POST /v1/chat"]
    assert model["attributes"]["gen_ai.operation.name"] == "chat"
    assert_stamped(spans, turn["conversation_id"], turn["turn_id"])


def test_over_pub_sub_a_turn_is_one_trace_too(system: System) -> None:
    accepted = httpx.post(system.url("supervisor") + "/v1/jobs", json={"message": QUESTION}, headers=headers(system))
    assert accepted.status_code == 202, accepted.text
    turn = accepted.json()

    whole = has(("billing", "execute_tool"), ("gateway", "chat "), ("supervisor", "process turns.results"))
    spans = spans_of(system, f"/api/turns/{turn['turn_id']}/trace", whole)

    tool = named(spans, "billing", "execute_tool")
    assert services_up(spans, tool) == ["billing", "billing.dapr", "supervisor.dapr", "supervisor"]
    result = named(spans, "supervisor", "process turns.results")
    back = ["supervisor", "supervisor.dapr", "billing.dapr", "billing", "billing.dapr", "supervisor.dapr", "supervisor"]
    assert services_up(spans, result) == back
    assert_stamped(spans, turn["conversation_id"], turn["turn_id"])


def test_another_tenant_sees_no_trace_of_the_turn(system: System) -> None:
    answer = httpx.post(
        system.url("supervisor") + "/v1/chat", json={"message": QUESTION}, headers=headers(system), timeout=60
    )
    path = f"/api/traces/{answer.json()['trace_id']}"
    spans_of(system, path, has(("billing", "execute_tool")))
    stranger = next(each.key for each in system.keys if each.tenant != "aurora")
    seen = httpx.get(system.url("console") + path, headers={"authorization": f"Bearer {stranger}"})
    assert seen.status_code == 404
