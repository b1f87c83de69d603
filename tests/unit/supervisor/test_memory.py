"""Memory in the supervisor: what agents are told, who may read and forget it, and what happens after a turn."""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from services.supervisor.memory.summarizer import GatewaySummarizer
from services.supervisor.turns.records import now
from services.supervisor.turns.replicas.in_hand import DeletionInHand, in_hand_of
from services.supervisor.turns.streams.port import Cursor, Fenced, Frame
from switchboard.contracts.errors import Unavailable
from switchboard.contracts.turns import TurnRequest, TurnResult
from switchboard.memory.tiers.mover import TierPolicy
from switchboard.models.caller import Caller
from switchboard.models.gateway import GatewayClient
from switchboard.sidecar import keys
from switchboard.testing.loopback import served
from tests.unit.supervisor.conftest import ADA, BEN, CLEO, System, failing, until

PROBLEM = "application/problem+json"
LONG = 9
"""Turns, of which the first ones have left the history."""


async def talk(system: System, turns: int, message: str = "Why is invoice INV-{n} higher?") -> str:
    conversation_id = None
    for n in range(1, turns + 1):
        body = {"conversation_id": conversation_id} if conversation_id else {}
        answer = await system.ask(message.format(n=n), agent="billing", **body)
        assert answer.status_code == 200, answer.text
        conversation_id = answer.json()["conversation_id"]
    await system.supervisor.consolidation.drained()
    assert conversation_id is not None
    return conversation_id


def last_request(system: System) -> TurnRequest:
    return system.specialists["billing"].requests[-1]


async def agree(system: System) -> None:
    answer = await system.api.put("/v1/memory/consent", json={"consent": True}, headers=ADA)
    assert answer.json()["consent"] is True


async def test_an_agent_is_told_of_what_left_the_history(system: System) -> None:
    conversation_id = await talk(system, LONG)
    await system.ask("And that one?", agent="billing", conversation_id=conversation_id)
    request = last_request(system)
    assert next(each.text for each in request.history if each.role == "user") == "Why is invoice INV-6 higher?"
    assert request.remembered is not None and "INV-1" in request.remembered.summary
    assert [each.value for each in request.remembered.entities][:2] == ["INV-5", "INV-4"]


async def test_a_short_conversation_has_nothing_to_be_told_of(system: System) -> None:
    await talk(system, 3)
    assert last_request(system).remembered is None


async def test_what_an_agent_gets_is_as_long_at_turn_a_hundred_and_twenty_as_at_turn_sixty(system: System) -> None:
    conversation_id = await talk(system, 1)
    sizes: list[int] = []
    for n in range(2, 121):
        await system.ask(f"Why is invoice INV-{n} higher?", agent="billing", conversation_id=conversation_id)
        await system.supervisor.consolidation.drained()
        sizes.append(len(last_request(system).model_dump_json()))
    assert max(sizes[60:]) <= max(sizes[40:60]) * 1.05


async def test_an_asynchronous_turn_is_told_and_remembered_too(system: System) -> None:
    conversation_id = await talk(system, LONG)
    conversation = await system.supervisor.conversations._opened(  # what a job reads
        system.supervisor.keys.authenticate(ADA["Authorization"]), conversation_id
    )
    assert conversation[1] is not None


async def test_failed_turns_are_not_remembered(system: System) -> None:
    system.specialists["billing"].script = failing("unavailable", "x")
    await system.ask("Why is invoice INV-1 higher?", agent="billing")
    assert not system.supervisor.consolidation._waiting


async def test_a_users_memory_reaches_agents_in_other_conversations_only_with_consent(system: System) -> None:
    await talk(system, 1, "I prefer e-mail to calls. My ticket is TCK-{n}00001.")
    await talk(system, 1)
    assert last_request(system).remembered is None
    await agree(system)
    await talk(system, 1, "I prefer e-mail to calls. My ticket is TCK-{n}00001.")
    await talk(system, 1)
    told = last_request(system).remembered
    assert told is not None and told.preferences == ["I prefer e-mail to calls"]
    assert [each.value for each in told.user_entities] == ["TCK-100001"] and told.earlier
    await system.ask("Why is my invoice higher?", headers=BEN, agent="billing")
    assert last_request(system).remembered is None, "it is ada's"


async def test_consent_that_is_given_again_keeps_what_is_remembered(system: System) -> None:
    await agree(system)
    await talk(system, 1, "I prefer e-mail to calls.")
    await agree(system)
    memory = (await system.api.get("/v1/memory", headers=ADA)).json()
    assert memory["preferences"] == ["I prefer e-mail to calls"]


async def test_taking_consent_back_forgets(system: System) -> None:
    await agree(system)
    await talk(system, 1, "I prefer e-mail to calls.")
    answer = await system.api.put("/v1/memory/consent", json={"consent": False}, headers=ADA)
    assert answer.json() == (await system.api.get("/v1/memory", headers=ADA)).json()
    assert answer.json()["consent"] is False and answer.json()["preferences"] == []


async def test_a_turn_under_way_brings_nothing_back_that_was_forgotten(system: System) -> None:
    await agree(system)
    answer = await system.ask("I prefer e-mail to calls. Where is TCK-100001?", agent="billing")
    assert answer.status_code == 200  # and what it said is still to be remembered
    await system.api.delete("/v1/memory", headers=ADA)
    await system.supervisor.consolidation.drained()
    memory = (await system.api.get("/v1/memory", headers=ADA)).json()
    assert memory["preferences"] == [] and memory["entities"] == [] and memory["conversations"] == []


async def test_forgetting_empties_the_long_memory_of_each_conversation(system: System) -> None:
    first, second = await talk(system, LONG), await talk(system, LONG)
    ben = await system.ask("My ticket TCK-777777?", headers=BEN, agent="billing")
    done = await system.api.delete("/v1/memory", headers=ADA)
    assert done.json() == {"conversations": 2, "transcripts": False, "pending": False}
    for conversation_id in (first, second):
        await system.ask("And that one?", agent="billing", conversation_id=conversation_id)
        assert last_request(system).remembered is None
        page = await system.api.get(f"/v1/conversations/{conversation_id}", headers=ADA)
        assert len(page.json()["turns"]) == LONG + 1, "the conversation itself is theirs to keep"
    assert (await system.api.get(f"/v1/conversations/{ben.json()['conversation_id']}", headers=BEN)).status_code == 200


async def test_forgetting_with_conversations_leaves_no_trace_in_the_state(system: System) -> None:
    await agree(system)
    conversation_id = await talk(system, LONG, "I prefer secret-{n} to calls, INV-{n}.")
    done = await system.api.delete("/v1/memory", params={"conversations": "true"}, headers=ADA)
    assert done.json() == {"conversations": 1, "transcripts": True, "pending": False}
    assert (await system.api.get(f"/v1/conversations/{conversation_id}", headers=ADA)).status_code == 404
    left = [record.data for key, record in system.sidecar.state._records.items()]
    assert not any(b"secret-" in data for data in left)


async def test_strangers_find_nothing(system: System) -> None:
    conversation_id = await talk(system, 1)
    for stranger in (BEN, CLEO):
        gone = await system.api.delete(f"/v1/conversations/{conversation_id}", headers=stranger)
        assert gone.status_code == 404 and gone.headers["content-type"] == PROBLEM
        assert (await system.api.get("/v1/memory", headers=stranger)).json()["consent"] is False
    assert (await system.api.get(f"/v1/conversations/{conversation_id}", headers=ADA)).status_code == 200
    for method, path in (("GET", "/v1/memory"), ("DELETE", "/v1/memory"), ("PUT", "/v1/memory/consent")):
        answer = await system.api.request(method, path, json={"consent": True} if method == "PUT" else None)
        assert answer.status_code == 401 and answer.headers["content-type"] == PROBLEM


async def test_a_conversation_is_deleted_while_a_message_is_answered_which_is_cancelled(system: System) -> None:
    conversation_id = await talk(system, 1)
    system.specialists["billing"].gate = asyncio.Event()
    asking = asyncio.create_task(system.ask("And that one?", agent="billing", conversation_id=conversation_id))
    await until(lambda: len(system.specialists["billing"].requests) == 2)
    answer = await system.api.delete(f"/v1/conversations/{conversation_id}", headers=ADA)
    assert (answer.status_code, (await asking).json()["code"]) == (204, "cancelled")
    assert (await system.api.get(f"/v1/conversations/{conversation_id}", headers=ADA)).status_code == 404


async def test_a_conversation_is_deleted_whose_turn_was_left_running_by_a_process_that_is_gone(system: System) -> None:
    conversation_id = await talk(system, 1)
    conversations = system.supervisor.conversations
    ada = system.supervisor.keys.authenticate(ADA["Authorization"])
    turn = await conversations.turn(ada, f"{conversation_id}.1")
    left = {"status": "running", "owner": "gone", "lease_until": now() + timedelta(seconds=60)}
    item = await conversations.turn_item(turn.tenant, turn.turn_id)
    assert item is not None
    await conversations.replace_turn(turn.model_copy(update=left), item.etag)
    done = await system.api.delete("/v1/memory", params={"conversations": "true"}, headers=ADA)
    assert done.json() == {"conversations": 1, "transcripts": True, "pending": False}
    assert (await system.api.get(f"/v1/jobs/{turn.turn_id}", headers=ADA)).status_code == 404


async def test_a_deletion_that_cannot_be_done_now_is_accepted_and_done_later(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.supervisor.memory.deletions.AGAIN_S", 0.01)
    conversation_id = await talk(system, 1)
    erase, away = system.supervisor.conversations._tiers.erase_conversation, [Unavailable()]

    async def once_away(*args: Any, **more: Any) -> None:
        if away:
            raise away.pop()
        await erase(*args, **more)

    monkeypatch.setattr(system.supervisor.conversations._tiers, "erase_conversation", once_away)
    answer = await system.api.delete(f"/v1/conversations/{conversation_id}", headers=ADA)
    assert answer.status_code == 202

    async def is_deleted() -> bool:
        return (await system.api.get(f"/v1/conversations/{conversation_id}", headers=ADA)).status_code == 404

    await until(is_deleted)
    await until(lambda: not system.supervisor.deletions._tasks)
    assert not await in_hand_deletions(system)


async def in_hand_deletions(system: System) -> list[DeletionInHand]:
    found = await in_hand_of(system.sidecar.state, system.supervisor.replicas.id)
    return [each for each in found.values() if isinstance(each, DeletionInHand)]


async def test_a_conversation_is_read_and_continued_over_http_whatever_tier_it_is_in(system: System) -> None:
    conversation_id = await talk(system, LONG)
    mover, tiers = system.supervisor.mover, system.supervisor.conversations._tiers
    for to in ("warm", "cold"):
        assert await tiers.move_conversation("aurora", conversation_id, to) == "moved"  # type: ignore[arg-type]
        assert await system.sidecar.state.get(keys.conversation("aurora", conversation_id)) is None
        page = (await system.api.get(f"/v1/conversations/{conversation_id}", headers=ADA)).json()
        assert [turn["turn_id"] for turn in page["turns"]] == [f"{conversation_id}.{n}" for n in range(1, LONG + 1)]
        assert (await system.api.get(f"/v1/conversations/{conversation_id}", headers=BEN)).status_code == 404
        wrong = await system.ask("And that one?", conversation_id=conversation_id, headers=BEN)
        assert wrong.status_code == 404
        assert await system.sidecar.state.get(keys.conversation("aurora", conversation_id)) is None, "nor woken"
    answer = await system.ask("And that one?", agent="billing", conversation_id=conversation_id)
    assert answer.json()["turn_id"] == f"{conversation_id}.{LONG + 1}"
    assert last_request(system).remembered is not None
    assert (await mover.round()).failed == 0


async def test_a_turn_of_a_lower_tier_can_still_be_rated(system: System) -> None:
    conversation_id = await talk(system, 2)
    tiers = system.supervisor.conversations._tiers
    rating = {"turn_id": f"{conversation_id}.1", "conversation_id": conversation_id, "rating": "down", "comment": "Hm"}
    for to in ("warm", "cold"):
        assert await tiers.move_conversation("aurora", conversation_id, to) == "moved"  # type: ignore[arg-type]
    answer = await system.api.post("/v1/feedback", json=rating, headers=ADA)
    assert answer.status_code == 200, answer.text
    turn = await system.supervisor.conversations.turn_item("aurora", rating["turn_id"])
    assert turn is not None and turn.value["rating"]["comment"] == "Hm"
    await system.api.delete(f"/v1/conversations/{conversation_id}", headers=ADA)
    assert await system.supervisor.conversations.turn_item("aurora", rating["turn_id"]) is None


async def test_a_running_turn_keeps_its_conversation_hot(system: System) -> None:
    conversation_id = await talk(system, 1)
    conversations, tiers = system.supervisor.conversations, system.supervisor.conversations._tiers
    ada = system.supervisor.keys.authenticate(ADA["Authorization"])
    turn = await conversations.turn(ada, f"{conversation_id}.1")
    item = await conversations.turn_item(turn.tenant, turn.turn_id)
    assert item is not None
    turn.status, turn.lease_until = "running", now() + timedelta(seconds=60)
    await conversations.replace_turn(turn, item.etag)
    assert await tiers.move_conversation("aurora", conversation_id, "warm") == "busy"


async def test_lower_tiers_that_are_down_do_not_touch_conversations_in_use(system: System) -> None:
    conversation_id = await talk(system, 2)
    system.sidecar.store("warmstore").down = True
    system.sidecar.blobs("coldstore").down = True
    assert (await system.ask("And that one?", agent="billing", conversation_id=conversation_id)).status_code == 200
    lost = await system.api.get("/v1/conversations/unknown", headers=ADA)
    assert lost.status_code == 503 and lost.headers["content-type"] == PROBLEM, "it may be down there"


def test_the_policy_looks_at_least_eight_times_in_the_shortest_stay() -> None:
    assert TierPolicy().period_s == 75_600
    assert TierPolicy(hot_s=80, warm_s=8_000).period_s == 10


@pytest.mark.parametrize(
    ("owner", "status", "summary"),
    [
        ("openai", 200, "In short: £41."),
        ("openai", 500, "It is £41."),
        ("embedded", 200, "It is £41."),
    ],
)
async def test_a_summary_is_the_models_where_one_is_configured(owner: str, status: int, summary: str) -> None:
    gateway, asked = FastAPI(), []

    @gateway.get("/v1/models")
    async def models() -> dict[str, object]:
        return {"data": [{"id": "cheap", "owned_by": owner}]}

    @gateway.post("/v1/chat/completions")
    async def complete(body: dict[str, object], request: Request) -> JSONResponse:
        asked.append((request.headers.get("x-switchboard-tenant"), request.headers.get("x-switchboard-cacheable")))
        return JSONResponse({"choices": [{"message": {"content": "In short: £41."}}]}, status)

    caller = Caller.internal(feature="memory", tenant="aurora", user="ada", lane="batch")
    async with served(gateway) as url:
        client = GatewayClient(f"{url}/v1")
        assert await GatewaySummarizer(client, "cheap", caller).summarize(["It is £41."], 100) == summary
        await client.close()
    # At its tenant's cost, and never from a cache: another customer's summary may be near enough.
    assert asked == ([] if owner == "embedded" else [("aurora", "no")])


@pytest.mark.parametrize("alias", ["cheap", ""])
async def test_a_gateway_that_is_down_costs_a_summary_nothing(alias: str) -> None:
    summarizer = GatewaySummarizer(GatewayClient("http://127.0.0.1:9/v1"), alias, Caller.internal(feature="memory"))
    assert await summarizer.summarize(["It is £41."], 100) == "It is £41."


async def test_a_conversation_that_could_not_be_folded_is_folded_with_its_next_turn(system: System) -> None:
    conversation_id = await talk(system, LONG - 1)
    await system.ask("Why is invoice INV-99 higher?", agent="billing", conversation_id=conversation_id)
    system.sidecar.state.down = True
    await system.supervisor.consolidation.drained()
    system.sidecar.state.down = False
    await system.ask("Why is invoice INV-100 higher?", agent="billing", conversation_id=conversation_id)
    await system.supervisor.consolidation.drained()
    item = await system.sidecar.state.get(keys.conversation_memory("aurora", conversation_id))
    assert item is not None and item.value["upto"] == LONG + 1 - 4
    with pytest.raises(Unavailable):
        system.sidecar.state.down = True
        await system.sidecar.state.get(keys.conversation_index())
    system.sidecar.state.down = False


async def test_the_event_logs_of_a_deleted_conversation_are_emptied_for_good(system: System) -> None:
    conversation_id = await talk(system, 2)
    streams, names = system.supervisor.streams, [keys.turn_events("aurora", f"{conversation_id}.{n}") for n in (1, 2)]
    assert all([(await streams.read(name, Cursor())).frames for name in names])
    assert (await system.api.delete(f"/v1/conversations/{conversation_id}", headers=ADA)).status_code == 204
    for name in names:
        assert (await streams.read(name, Cursor())).frames == []
        with pytest.raises(Fenced):
            await streams.append(name, 1, [Frame(99, "message.delta", b"{}")])


class Published:
    """Stands in for a broker that keeps events."""

    def __init__(self) -> None:
        self.erased: list[str] = []
        self.down = False

    async def erase(self, conversation_ids: Collection[str]) -> int:
        if self.down:
            raise Unavailable
        self.erased += conversation_ids
        return 0


async def test_what_was_published_of_a_conversation_goes_with_it_or_it_stays(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = Published()
    monkeypatch.setattr(system.supervisor.conversations, "_published", published)
    ids = [(await system.ask("Why is my invoice higher?")).json()["conversation_id"] for _ in range(3)]
    path = f"/v1/conversations/{ids[0]}"
    assert (await system.api.delete(path, headers=CLEO)).status_code == 404
    assert published.erased == []
    published.down = True
    assert (await system.api.delete(path, headers=ADA)).status_code == 202
    assert (await system.api.get(path, headers=ADA)).status_code == 200, "it is tried again"
    published.down = False
    assert (await system.api.delete(path, headers=ADA)).status_code == 204
    assert published.erased == [ids[0]]
    assert (await system.api.delete("/v1/memory?conversations=true", headers=ADA)).status_code == 200
    assert set(published.erased) == set(ids)


async def test_a_job_that_runs_is_cancelled_by_a_deletion_and_its_late_result_is_erased_too(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = Published()
    monkeypatch.setattr(system.supervisor.conversations, "_published", published)
    job = (await system.api.post("/v1/jobs", json={"message": "Show my last invoice"}, headers=ADA)).json()
    conversation_id = job["conversation_id"]
    path = f"/v1/conversations/{conversation_id}"
    assert (await system.api.delete(path, headers=ADA)).status_code == 204
    assert (await system.api.get(path, headers=ADA)).status_code == 404
    assert published.erased == [conversation_id], "its request, which no agent need take any more"

    late = TurnResult(
        turn_id=job["turn_id"],
        conversation_id=conversation_id,
        tenant="aurora",
        agent="billing",
        status="completed",
        text="Your secret",
    )
    await system.supervisor.jobs.take_result(late)
    assert published.erased == [conversation_id] * 2
    await system.supervisor.jobs.take_result(late.model_copy(update={"conversation_id": "e", "turn_id": "e.1"}))
    assert published.erased == [conversation_id] * 2, "only what its user has deleted"
