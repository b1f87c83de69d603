"""The asynchronous life of a turn."""

import asyncio

import pytest

from switchboard.contracts.events import Citation, Usage
from switchboard.contracts.turns import TurnRequest, TurnResult
from tests.unit.supervisor.conftest import ADA, BEN, System

BOTH = "I was charged twice and my router blinks red"


def result_of(data: dict[str, object], agent: str, **fields: object) -> TurnResult:
    request = TurnRequest.model_validate(data)
    return TurnResult.model_validate(
        {
            "turn_id": request.turn_id,
            "conversation_id": request.conversation_id,
            "tenant": request.principal.tenant,
            "agent": agent,
            "status": "completed",
            "text": f"{agent} about: {request.message} [1]",
            "citations": [Citation(n=1, title="t", uri=f"kb://{agent}/a#0-1", span="s")],
            "usage": Usage(cost_picousd=500_000_000_000),
            **fields,
        }
    )


async def start(system: System, message: str = BOTH, headers: dict[str, str] | None = None):
    answer = await system.api.post("/v1/jobs", json={"message": message}, headers=ADA | (headers or {}))
    assert answer.status_code == 202, answer.text
    requests = {
        topic: data
        for topic, data in system.sidecar.pubsub.published
        if topic.startswith("agent.") and data["turn_id"] == answer.json()["turn_id"]
    }
    return answer.headers["location"], requests


async def job(system: System, location: str) -> dict[str, object]:
    return (await system.api.get(location, headers=ADA)).json()


async def test_each_agent_gets_its_part_on_its_own_topic(system: System) -> None:
    location, requests = await start(system)

    assert set(requests) == {"agent.billing.turns", "agent.tech.turns"}
    assert requests["agent.tech.turns"]["message"] == "my router blinks red"
    assert (await job(system, location))["status"] == "running"
    assert (await system.api.get(location, headers=BEN)).status_code == 404


async def test_results_in_any_order_and_more_than_once_make_one_answer(system: System) -> None:
    location, requests = await start(system)
    tech = result_of(requests["agent.tech.turns"], "tech")
    billing = result_of(requests["agent.billing.turns"], "billing")
    for result in (tech, tech, billing, billing):
        await system.sidecar.pubsub.publish("turns.results", result.model_dump(mode="json"))
        await system.sidecar.pubsub.drained()

    done = await job(system, location)
    assert (done["status"], done["agents"], done["cost_picousd"]) == ("completed", ["billing", "tech"], 10**12)
    assert "charged twice [1]" in str(done["text"]) and "blinks red [2]" in str(done["text"])
    history = (await system.api.get(f"/v1/conversations/{done['conversation_id']}", headers=ADA)).json()
    assert history["agent"] == "tech"


async def test_a_long_job_does_not_hold_up_its_conversation(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    location, requests = await start(system)
    conversation_id = str((await job(system, location))["conversation_id"])
    refused = await system.ask("Show my last invoice", conversation_id=conversation_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "turn_running")

    monkeypatch.setattr("services.supervisor.turns.conversations.JOB_ALONE_S", 0.0)
    beside = await system.ask("Show my last invoice", conversation_id=conversation_id)
    assert (beside.status_code, beside.json()["turn_id"]) == (200, f"{conversation_id}.2")
    for agent in ("billing", "tech"):
        await system.supervisor.jobs.take_result(result_of(requests[f"agent.{agent}.turns"], agent))
    assert (await job(system, location))["status"] == "completed"
    ada = system.supervisor.keys.authenticate(ADA["Authorization"])
    kept = await system.supervisor.conversations.conversation(ada, conversation_id)
    assert [(each.n, each.role) for each in kept.tail] == [(1, "user"), (1, "assistant"), (2, "user"), (2, "assistant")]
    assert kept.running is None


async def test_results_at_the_same_time_are_all_kept(system: System) -> None:
    location, requests = await start(system)
    await asyncio.gather(
        system.supervisor.jobs.take_result(result_of(requests["agent.tech.turns"], "tech")),
        system.supervisor.jobs.take_result(result_of(requests["agent.billing.turns"], "billing")),
    )
    assert (await job(system, location))["status"] == "completed"


async def test_a_dead_letter_fails_its_part_and_is_named(system: System) -> None:
    location, requests = await start(system)
    await system.sidecar.pubsub.publish("turns.dead", requests["agent.tech.turns"])
    await system.sidecar.pubsub.drained()
    await system.supervisor.jobs.take_result(result_of(requests["agent.billing.turns"], "billing"))

    done = await job(system, location)
    assert (done["status"], done["agents"]) == ("completed", ["billing"])
    assert "**Tech** cannot be reached" in str(done["text"])


async def test_a_job_whose_only_agent_failed_has_failed(system: System) -> None:
    location, requests = await start(system, "Show my last invoice")
    failed = result_of(requests["agent.billing.turns"], "billing", status="failed", code="unavailable", message="No.")
    await system.supervisor.jobs.take_result(failed)

    done = await job(system, location)
    assert (done["status"], done["code"], done["failure"]) == ("failed", "unavailable", "No.")


async def test_the_same_key_returns_the_same_job(system: System) -> None:
    key = {"Idempotency-Key": "k"}
    first, _ = await start(system, headers=key)
    second, _ = await start(system, headers=key)

    assert first == second
    assert len([topic for topic, _ in system.sidecar.pubsub.published if topic.startswith("agent.")]) == 2


async def test_without_a_broker_the_job_is_refused_and_has_failed(system: System) -> None:
    system.sidecar.pubsub.down = True
    answer = await system.api.post("/v1/jobs", json={"message": BOTH}, headers=ADA)

    assert answer.status_code == 503


async def test_small_talk_needs_no_agent(system: System) -> None:
    location, requests = await start(system, "hello")

    assert requests == {}
    assert (await job(system, location))["status"] == "completed"
