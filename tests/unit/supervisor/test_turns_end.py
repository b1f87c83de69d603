"""A turn always ends: its client is told, its place is free, its record says how."""

import asyncio
from typing import Any

import pytest

from services.supervisor.turns import ending
from services.supervisor.turns.accept import Ask
from services.supervisor.turns.event_log import EventLog
from switchboard.contracts.errors import Conflict, Unavailable
from switchboard.contracts.events import TurnCompleted, TurnFailed
from switchboard.contracts.turns import ChatRequest, Principal
from switchboard.memory.tiers.store import ERASED_KEY
from switchboard.sidecar import keys
from tests.unit.supervisor.conftest import ADA, System, until

ADA_IS = Principal(tenant="aurora", user="C-10001", tier="professional")
QUESTION = "Show my last invoice"
END_S_MAX = 20
"""A turn that never ends fails its test, and not the whole run."""


async def started(system: System, **fields: str) -> tuple[EventLog, asyncio.Event]:
    """A turn whose agent waits for the event."""
    gate = system.specialists["billing"].gate = asyncio.Event()
    log = await system.supervisor.turns.start(Ask(ADA_IS, ChatRequest(message=QUESTION, **fields)))
    async with asyncio.timeout(END_S_MAX):
        await system.specialists["billing"].asked.wait()
    return log, gate


async def ended(log: EventLog) -> TurnFailed:
    async with asyncio.timeout(END_S_MAX):
        end = await log.end()
    assert isinstance(end, TurnFailed)
    return end


async def place_is_free(system: System) -> None:
    """Right after its client was told."""
    await until(lambda: len(system.supervisor.logs) == 0)


async def status_of(system: System, turn_id: str) -> tuple[str, str]:
    job = (await system.api.get(f"/v1/jobs/{turn_id}", headers=ADA)).json()
    return job["status"], job["code"]


async def spoil(system: System, log: EventLog, value: dict[str, Any]) -> None:
    """Another process writes over the conversation's record while the turn runs."""
    turn = log.turn
    assert turn is not None
    await system.sidecar.state.put(keys.conversation(turn.tenant, turn.conversation_id), value)


@pytest.mark.parametrize("value", [{"version": 2, "owner": "C-10001"}, {ERASED_KEY: True}], ids=["unknown", "erased"])
async def test_a_turn_ends_whose_conversation_cannot_be_read_any_more(system: System, value: dict[str, Any]) -> None:
    """Its answer is told, without a place in the history; unless it was seen before that the conversation is gone."""
    log, gate = await started(system)
    await spoil(system, log, value)
    gate.set()

    async with asyncio.timeout(END_S_MAX):
        end = await log.end()
    assert isinstance(end, TurnCompleted) or (isinstance(end, TurnFailed) and end.code == "not_found")
    await place_is_free(system)


async def test_a_record_of_another_version_ends_the_turn_that_would_go_on_with_it(system: System) -> None:
    answered = await system.ask(QUESTION)
    assert answered.status_code == 200, answered.text
    first = answered.json()
    key = keys.conversation("aurora", first["conversation_id"])
    await system.sidecar.state.put(key, {"conversation_id": first["conversation_id"], "version": 2})

    async with asyncio.timeout(END_S_MAX):
        answer = await system.ask(QUESTION, conversation_id=first["conversation_id"])
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    await place_is_free(system)


async def test_an_agent_that_fails_in_a_way_nobody_foresaw_ends_the_turn(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(system.supervisor.router, "decide", broken)
    async with asyncio.timeout(END_S_MAX):
        answer = await system.ask(QUESTION, headers={"Accept": "text/event-stream"})
    assert '"type":"turn.failed","code":"internal"' in answer.text
    turn_id = answer.text.partition('"turn_id":"')[2].partition('"')[0]
    assert await status_of(system, turn_id) == ("failed", "internal")
    await place_is_free(system)


async def test_a_turn_that_the_process_leaves_behind_is_interrupted_in_its_record_and_for_its_client(
    system: System,
) -> None:
    log, _ = await started(system)
    reading = asyncio.create_task(_last_type(log))
    await system.supervisor.turns.close(0)

    end = await ended(log)
    assert (end.code, end.turn_id) == ("interrupted", log.turn_id)
    assert await reading == "turn.failed"
    assert await status_of(system, log.turn_id) == ("failed", "interrupted")
    item = await system.sidecar.state.get(keys.turn("aurora", log.turn_id.partition(".")[0], 1))
    assert item is not None and item.value["status"] == "failed", "it is written down, not only read so"


async def test_a_process_that_ends_takes_no_new_turns(system: System) -> None:
    await system.supervisor.turns.close(0)
    assert (await system.ask(QUESTION)).status_code == 503


async def test_a_turn_whose_claim_cannot_be_written_has_failed(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    create = system.sidecar.state.create

    async def without_claims(key: Any, *rest: Any, **more: Any) -> None:
        if key.key.startswith("idempotency|"):
            raise Unavailable
        await create(key, *rest, **more)

    monkeypatch.setattr(system.sidecar.state, "create", without_claims)
    answer = await system.ask(QUESTION, headers={"Idempotency-Key": "k"})

    assert answer.status_code == 503
    turns = [record for (_, key), record in system.sidecar.state._records.items() if key.startswith("turn|")]
    assert [b'"status":"failed"' in record.data for record in turns] == [True]


async def test_who_loses_the_race_for_a_key_gets_the_winners_turn_and_leaves_no_running_record(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have looked for the key before either claims it, as two replicas may."""
    key = {"Idempotency-Key": "k"}
    acceptance = system.supervisor.turns._acceptance
    looked = acceptance.repeated
    both = asyncio.Barrier(2)

    async def together(ask: Ask) -> Any:
        found = await looked(ask)
        await both.wait()
        return found

    monkeypatch.setattr(acceptance, "repeated", together)
    first, second = await asyncio.gather(*(system.ask(QUESTION, headers=key) for _ in range(2)))

    assert first.json() == second.json()
    assert len(system.specialists["billing"].requests) == 1
    turns = [record.data for (_, name), record in system.sidecar.state._records.items() if name.startswith("turn|")]
    statuses = sorted(data.partition(b'"status":"')[2].partition(b'"')[0] for data in turns)
    assert statuses == [b"completed", b"superseded"]


async def test_a_result_of_a_state_store_that_was_written_by_others_meanwhile_is_taken(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both writes of an answered turn meet a conflict, that of the turn and that of the conversation."""
    replace, conflicts = system.sidecar.state.replace, [Conflict(), Conflict()]

    async def late(key: Any, value: Any, **more: Any) -> None:
        if conflicts and key.key.startswith(("turn|", "conversation|")):
            raise conflicts.pop()
        await replace(key, value, **more)

    monkeypatch.setattr(system.sidecar.state, "replace", late)
    answer = (await system.ask(QUESTION)).json()
    assert not conflicts

    page = (await system.api.get(f"/v1/conversations/{answer['conversation_id']}", headers=ADA)).json()
    assert (page["agent"], [turn["status"] for turn in page["turns"]]) == ("billing", ["completed"])


async def test_a_job_that_cannot_be_routed_has_failed_and_its_key_says_so_again(system: System) -> None:
    key = ADA | {"Idempotency-Key": "k"}
    body = {"message": QUESTION, "agent": "nobody"}
    refused = await system.api.post("/v1/jobs", json=body, headers=key)
    again = await system.api.post("/v1/jobs", json=body, headers=key)

    assert (refused.status_code, again.status_code) == (404, 202)
    job = (await system.api.get(again.headers["location"], headers=ADA)).json()
    assert (job["status"], job["code"]) == ("failed", "not_found")


async def test_a_job_that_the_broker_did_not_take_has_failed(system: System) -> None:
    system.sidecar.pubsub.down = True
    key = ADA | {"Idempotency-Key": "k"}
    assert (await system.api.post("/v1/jobs", json={"message": QUESTION}, headers=key)).status_code == 503
    system.sidecar.pubsub.down = False

    again = await system.api.post("/v1/jobs", json={"message": QUESTION}, headers=key)
    job = (await system.api.get(again.headers["location"], headers=ADA)).json()
    assert (job["status"], job["code"]) == ("failed", "unavailable")


async def _last_type(log: EventLog) -> str:
    last = ""
    async for frames in log.read():
        last = frames[-1].type
    return last


async def test_the_end_of_a_turn_is_written_when_the_store_is_back(system: System) -> None:
    log, gate = await started(system)
    system.sidecar.state.down = True
    gate.set()
    await until(lambda: log.is_ending)
    system.sidecar.state.down = False

    async with asyncio.timeout(END_S_MAX):
        assert (await log.end()).type == "turn.completed"
    assert await status_of(system, log.turn_id) == ("completed", "")


async def test_a_store_that_is_away_for_long_fails_the_turn_and_its_record_says_so_later(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "END_S_MAX", 0.0)
    monkeypatch.setattr(ending, "ABANDON_S_MAX", 0.01)
    monkeypatch.setattr(ending, "LATE_S", 0.01)
    log, gate = await started(system)
    system.sidecar.state.down = True
    gate.set()
    end = await ended(log)
    assert end.code == "unavailable"
    system.sidecar.state.down = False

    async def is_written() -> bool:
        item = await system.sidecar.state.get(keys.turn("aurora", log.turn_id.partition(".")[0], 1))
        assert item is not None
        return item.value["status"] == "failed" and item.value["outbox"] == []

    await until(is_written)
    assert [topic for topic, _ in system.sidecar.pubsub.published].count("conversation.events") == 1


async def test_a_process_that_ends_is_not_ready(system: System) -> None:
    assert (await system.api.get("/readyz")).status_code == 200
    await system.supervisor.turns.close(0)
    answer = await system.api.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["accepting"]) == (503, False)
