"""Streams, repetition, and clients that come and go."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import orjson
import pytest

from services.supervisor.routing import router
from services.supervisor.turns.accept import Ask
from services.supervisor.turns.records import Turn
from services.supervisor.turns.streams.memory import InMemoryEventStreams
from services.supervisor.turns.streams.port import Cursor
from switchboard.contracts.events import (
    AgentStarted,
    Citation,
    MessageDelta,
    TurnCompleted,
    TurnEvent,
)
from switchboard.contracts.turns import ChatRequest, Principal, TurnRequest
from switchboard.sidecar import keys
from tests.unit.supervisor.conftest import ADA, BEN, CLEO, Script, System, failing, running, until

OPERATOR = {"Authorization": "Bearer demo-aurora-ops"}
ADA_IS = Principal(tenant="aurora", user="C-10001", tier="professional")


def events_of(answer: httpx.Response) -> list[dict[str, object]]:
    return [orjson.loads(line[5:]) for line in answer.text.splitlines() if line.startswith("data:")]


async def test_the_first_event_goes_out_before_the_work(system: System) -> None:
    system.specialists["billing"].gate = asyncio.Event()
    live = await system.supervisor.turns.start(Ask(ADA_IS, ChatRequest(message="Show my last invoice")))

    async for frames in live.read():
        assert frames[0].type == "turn.started"
        break
    assert live.ended is None
    system.specialists["billing"].gate.set()
    assert (await live.end()).type == "turn.completed"


async def test_the_same_idempotency_key_returns_the_same_turn(system: System) -> None:
    key = {"Idempotency-Key": "a key with spaces / and ümlauts"[:20]}
    first = (await system.ask("Show my last invoice", headers=key)).json()
    second = (await system.ask("Show my last invoice", headers=key)).json()

    assert second == first
    assert len(system.specialists["billing"].requests) == 1


async def test_a_repetition_attaches_to_the_running_turn(system: System) -> None:
    gate = system.specialists["billing"].gate = asyncio.Event()
    key = {"Idempotency-Key": "k1"}
    both = [asyncio.create_task(system.ask("Show my last invoice", headers=key)) for _ in range(2)]
    await system.specialists["billing"].asked.wait()
    gate.set()
    first, second = await asyncio.gather(*both)

    assert first.json() == second.json()
    assert len(system.specialists["billing"].requests) == 1


async def test_another_message_under_the_same_key_is_refused(system: System) -> None:
    key = {"Idempotency-Key": "k1"}
    await system.ask("Show my last invoice", headers=key)
    assert (await system.ask("My router blinks red", headers=key)).status_code == 422


async def test_a_turn_of_another_process_is_replayed_as_it_was(system: System) -> None:
    key = {"Idempotency-Key": "k1", "Accept": "text/event-stream"}
    first = await system.ask("Show my last invoice", headers=key)
    system.supervisor.logs._finished.clear()
    again = await system.ask("Show my last invoice", headers=key)

    assert again.text == first.text


async def test_a_turn_whose_log_is_gone_is_replayed_from_its_record(system: System) -> None:
    key = {"Idempotency-Key": "k1", "Accept": "text/event-stream"}
    first = await system.ask("Show my last invoice", headers=key)
    forget_logs(system)
    again = events_of(await system.ask("Show my last invoice", headers=key))

    assert [event["type"] for event in again] == ["turn.started", "route.decided", "message.delta", "turn.completed"]
    assert again[-1] == events_of(first)[-1]


async def test_who_resumes_a_turn_whose_log_is_gone_gets_the_whole_answer_in_place_of_what_is_missing(
    system: System,
) -> None:
    first = await system.ask("Show my last invoice", headers={"Accept": "text/event-stream"})
    last = [line for line in first.text.splitlines() if line.startswith("id: ")][-1]
    turn_id = str(events_of(first)[0]["turn_id"])
    forget_logs(system)
    rest = await system.api.get(f"/v1/turns/{turn_id}/events", headers=ADA | {"Last-Event-ID": f"{turn_id}:4"})

    reset, end = events_of(rest)
    assert (reset["type"], reset["text"]) == ("turn.reset", end["text"])
    assert [line for line in rest.text.splitlines() if line.startswith("id: ")] == [last]


async def test_while_the_log_is_away_the_stream_goes_on_and_the_log_gets_later_what_it_missed(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.supervisor.turns.event_log.AWAY_S", 0.0)
    streams = logs_of(system)
    billing = system.specialists["billing"]

    async def script(request):
        yield AgentStarted(agent="billing")
        streams.down = True
        yield MessageDelta(agent="billing", text="one ")
        await until(lambda: any(b"one" in frame.data for frame in live.frames))
        streams.down = False
        yield MessageDelta(agent="billing", text="two")
        yield TurnCompleted(text="one two", agents=["billing"])

    billing.script = script
    live = await system.supervisor.turns.start(Ask(ADA_IS, ChatRequest(message="Show my last invoice")))
    await live.end()
    await live.written()
    kept = await streams.read(keys.turn_events("aurora", live.turn_id), Cursor())
    assert list(kept.frames) == live.frames
    assert [frame.seq for frame in live.frames] == list(range(1, len(live.frames) + 1))


def logs_of(system: System) -> InMemoryEventStreams:
    streams = system.supervisor.streams
    assert isinstance(streams, InMemoryEventStreams)
    return streams


def forget_logs(system: System) -> None:
    """As after an hour."""
    system.supervisor.logs._finished.clear()
    logs_of(system)._logs.clear()


async def test_a_reader_resumes_after_the_event_it_has(system: System) -> None:
    first = await system.ask("Show my last invoice", headers={"Accept": "text/event-stream"})
    events = events_of(first)
    turn_id = events[0]["turn_id"]
    rest = await system.api.get(f"/v1/turns/{turn_id}/events", headers=ADA | {"Last-Event-ID": f"{turn_id}:3"})

    assert events_of(rest) == events[3:]


async def test_a_stream_ends_when_its_readers_key_is_revoked(tmp_path: Path) -> None:
    keys_file = tmp_path / "keys.yaml"
    keys_file.write_text("keys: [{key: demo-aurora-ada, tenant: aurora, user: C-10001}]")
    async with running(keys_file=keys_file) as system:
        gate = system.specialists["billing"].gate = asyncio.Event()
        reading = asyncio.create_task(system.ask("Show my last invoice", headers={"Accept": "text/event-stream"}))
        await system.specialists["billing"].asked.wait()
        keys_file.write_text("keys: [{key: demo-aurora-ben, tenant: aurora, user: C-10002}]")
        told = [event["type"] for event in events_of(await reading)]
        assert told[0] == "turn.started" and "turn.completed" not in told
        assert (await system.ask("Show my last invoice")).status_code == 401
        gate.set()


async def test_a_turn_outlives_its_client(system: System) -> None:
    gate = system.specialists["billing"].gate = asyncio.Event()
    asking = asyncio.create_task(system.ask("Show my last invoice"))
    await system.specialists["billing"].asked.wait()
    asking.cancel()
    gate.set()
    await system.supervisor.turns.close(2)

    turn_id = system.specialists["billing"].requests[0].turn_id
    job = (await system.api.get(f"/v1/jobs/{turn_id}", headers=ADA)).json()
    assert job["status"] == "completed"


async def test_a_running_turn_whose_lease_is_over_is_read_as_interrupted(system: System) -> None:
    done = (await system.ask("Show my last invoice")).json()
    key = keys.turn("aurora", done["conversation_id"], 1)
    item = await system.sidecar.state.get(key)
    assert item is not None
    record = Turn.model_validate(item.value)
    record.status, record.lease_until = "running", record.created_at
    await system.sidecar.state.put(key, record.model_dump(mode="json"))

    job = (await system.api.get(f"/v1/jobs/{done['turn_id']}", headers=ADA)).json()
    assert (job["status"], job["code"]) == ("failed", "interrupted")


async def test_more_turns_than_allowed_are_told_when_to_come_back(system: System) -> None:
    system.supervisor.logs._turns_max = 0
    answer = await system.ask("Show my last invoice")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"


async def test_one_user_and_one_tenant_cannot_take_all_turns() -> None:
    async with running(turns_max=8, turns_tenant_max=3, turns_user_max=2) as system:
        gate = system.specialists["billing"].gate = asyncio.Event()
        question = "Show my last invoice"
        asked = [asyncio.create_task(system.ask(question)) for _ in range(2)]
        await until(lambda: len(system.supervisor.logs) == 2)
        mine = await system.ask(question)
        assert (mine.status_code, mine.headers["retry-after"]) == (429, "2")
        asked.append(asyncio.create_task(system.ask(question, headers=BEN)))
        await until(lambda: len(system.supervisor.logs) == 3)
        assert (await system.ask(question, headers=OPERATOR)).status_code == 429, "the tenant's share is taken"
        asked.append(asyncio.create_task(system.ask(question, headers=CLEO)))
        await until(lambda: len(system.supervisor.logs) == 4)
        gate.set()
        assert [each.status_code for each in await asyncio.gather(*asked)] == [200] * 4
        assert (await system.ask(question)).status_code == 200, "what ended is given back"


async def test_a_second_message_while_one_is_answered_is_refused_and_told_which(system: System) -> None:
    first = (await system.ask("Show my last invoice")).json()
    same = {"conversation_id": first["conversation_id"]}
    gate = system.specialists["billing"].gate = asyncio.Event()
    running = asyncio.create_task(system.ask("Show my last invoice", **same))
    await until(lambda: len(system.specialists["billing"].requests) == 2)
    refused = await system.ask("Show my last invoice", **same)
    gate.set()

    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "turn_running")
    assert refused.headers["content-type"] == "application/problem+json"
    assert problem["turn_id"] == (await running).json()["turn_id"] == f"{first['conversation_id']}.2"
    assert (await system.ask("Show my last invoice", **same)).status_code == 200


async def test_messages_that_wait_for_each_other_each_get_a_number(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.supervisor.turns.accept.WAIT_POLL_S", 0.001)
    first = (await system.ask("Show my last invoice")).json()
    same = {"conversation_id": first["conversation_id"], "wait": True}
    answers = await asyncio.gather(*(system.ask("Show my last invoice", **same) for _ in range(3)))

    assert sorted(answer.json()["turn_id"].rpartition(".")[2] for answer in answers) == ["2", "3", "4"]


async def test_one_agents_failure_is_named_in_the_answer_of_the_other(system: System) -> None:
    system.specialists["tech"].script = failing("unavailable", "x")
    answer = await system.ask("I was charged twice and my router blinks red", headers={"Accept": "text/event-stream"})

    events = events_of(answer)
    assert events[-1]["type"] == "turn.completed"
    assert events[-1]["agents"] == ["billing"]
    assert "**Tech** cannot be reached just now" in str(events[-1]["text"])
    said = "".join(str(event["text"]) for event in events if event["type"] == "message.delta")
    assert said == events[-1]["text"]


async def test_when_all_agents_fail_the_turn_fails(system: System) -> None:
    for agent in ("billing", "tech"):
        system.specialists[agent].script = failing("unavailable", "x")
    assert (await system.ask("I was charged twice and my router blinks red")).status_code == 503


async def test_an_agent_that_is_too_slow_is_named(system: System) -> None:
    system.supervisor.turns._turn_s_max = 0.3
    system.specialists["tech"].gate = asyncio.Event()
    answer = (await system.ask("I was charged twice and my router blinks red")).json()

    assert answer["agents"] == ["billing"]
    assert "**Tech** did not answer in time" in answer["text"]


async def test_citations_of_two_agents_stay_apart(system: System) -> None:
    for agent in ("billing", "tech"):
        system.specialists[agent].script = _citing(agent)
    answer = (await system.ask("I was charged twice and my router blinks red")).json()

    assert [(each["n"], each["agent"]) for each in answer["citations"]] == [(1, "billing"), (2, "tech")]
    assert "billing says so [1]" in answer["text"]
    assert "tech says so [2]" in answer["text"]


def _citing(agent: str):
    async def script(request):
        yield AgentStarted(agent=agent)
        yield MessageDelta(agent=agent, text=f"{agent} says so [1].")
        citation = Citation(n=1, title="An article", uri=f"kb://{agent}/a#0-5", span="words")
        yield citation
        yield TurnCompleted(text=f"{agent} says so [1].", agents=[agent], citations=[citation])

    return script


async def test_a_stream_that_breaks_before_its_first_event_is_asked_for_again(system: System) -> None:
    billing = system.specialists["billing"]

    async def breaking(request):
        if len(billing.requests) == 1:
            raise RuntimeError("the replica died")
        async for event in billing.say(request):
            yield event

    billing.script = breaking
    assert (await system.ask("Show my last invoice")).status_code == 200
    assert len(billing.requests) == 2


async def test_the_turn_is_told_to_the_ledger_without_its_words(system: System) -> None:
    await system.ask("Show my last invoice")
    await system.sidecar.pubsub.drained()
    await asyncio.sleep(0)

    events = [data for topic, data in system.sidecar.pubsub.published if topic == "conversation.events"]
    assert events[0]["usage"]["cost_picousd"] == 1_000_000_000
    assert "text" not in events[0] and "message" not in events[0]


@pytest.mark.parametrize("message", ["hello", "thanks!", "What is the capital of France?"])
async def test_the_supervisor_answers_itself_what_is_for_no_agent(system: System, message: str) -> None:
    answer = (await system.ask(message)).json()

    assert answer["agents"] == []
    assert answer["route"]["by"] in ("small_talk", "out_of_scope")
    assert answer["text"]


async def test_who_may_call_from_a_browser_is_the_console(system: System) -> None:
    preflight = {"Origin": "http://console.test", "Access-Control-Request-Method": "POST"}
    answer = await system.api.options("/v1/chat", headers=preflight)
    assert answer.headers["access-control-allow-origin"] == "http://console.test"


async def test_sources_agents_and_the_callers_own_name(system: System) -> None:
    source = await system.api.get("/v1/sources", params={"uri": "kb://tech/a#0-5"}, headers=ADA)
    assert source.json() == {"uri": "kb://tech/a#0-5", "text": "the document for aurora"}
    assert (await system.api.get("/v1/sources", params={"uri": "kb://no/a"}, headers=ADA)).status_code == 404
    by_parts = await system.api.get(
        "/v1/sources/tech/a", params={"version": "0a1b2c3d", "start": 0, "end": 5}, headers=ADA
    )
    assert by_parts.json()["uri"] == "kb://tech/a#0-5@0a1b2c3d"
    assert (await system.api.get("/v1/sources/tech/a", headers=ADA)).json()["uri"] == "kb://tech/a"
    agents = (await system.api.get("/v1/agents", headers=ADA)).json()["agents"]
    assert [each["id"] for each in agents] == ["billing", "product", "tech"]
    me = (await system.api.get("/v1/me", headers=ADA)).json()
    assert me == {"tenant": "aurora", "user": "C-10001", "tier": "professional", "roles": ["customer"]}


async def test_pages_of_a_long_conversation(system: System) -> None:
    first = (await system.ask("Show my last invoice")).json()
    for _ in range(4):
        await system.ask("Show my last invoice", conversation_id=first["conversation_id"])
    path = f"/v1/conversations/{first['conversation_id']}"
    page = (await system.api.get(path, params={"after": 1, "limit": 2}, headers=ADA)).json()

    assert [turn["turn_id"].rpartition(".")[2] for turn in page["turns"]] == ["2", "3"]
    assert page["next_after"] == 3
    assert (await system.api.get(path, params={"after": 3}, headers=ADA)).json()["next_after"] is None


def _saying(text: str, *, answered: bool) -> Script:
    async def script(request: TurnRequest) -> AsyncIterator[TurnEvent]:
        del request
        yield MessageDelta(agent="", text=text)
        yield TurnCompleted(text=text, agents=[], answered=answered)

    return script


async def test_an_agent_that_does_not_know_hands_over_to_the_next_likely_one(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router, "NEXT_LIKELY_MIN", 0.0)
    system.specialists["billing"].script = _saying("I'm sorry, I don't know that.", answered=False)
    for agent in ("tech", "product"):
        if agent in system.specialists:
            system.specialists[agent].script = _saying(f"{agent} knows.", answered=True)
    events = events_of(await system.ask("Show my last invoice", headers={"Accept": "text/event-stream"}))
    said = "".join(str(event["text"]) for event in events if event["type"] == "message.delta")
    assert said == events[-1]["text"]
    assert said.endswith("knows.")
    assert "sorry" not in said
    assert events[-1]["agents"] != ["billing"]


async def test_where_no_agent_knows_the_first_one_says_so(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(router, "NEXT_LIKELY_MIN", 0.0)
    for specialist in system.specialists.values():
        specialist.script = _saying("I'm sorry, I don't know that.", answered=False)
    events = events_of(await system.ask("Show my last invoice", headers={"Accept": "text/event-stream"}))
    assert events[-1]["text"] == "I'm sorry, I don't know that."
    assert events[-1]["agents"] == ["billing"]
    assert [event["type"] for event in events].count("message.delta") == 1


async def test_the_key_of_a_turn_is_told_before_its_first_event_and_its_id_is_one(system: System) -> None:
    given = await system.ask("Show my last invoice", headers={"Idempotency-Key": "mine"})
    assert given.headers["idempotency-key"] == "mine"
    none = await system.ask("Show my last invoice", headers={"Accept": "text/event-stream"})
    turn_id = none.headers["idempotency-key"]
    assert turn_id == events_of(none)[0]["turn_id"]

    again = await system.ask(
        "Show my last invoice", headers={"Idempotency-Key": turn_id, "Accept": "text/event-stream"}
    )
    assert again.text == none.text
    assert (await system.ask("My router blinks red", headers={"Idempotency-Key": turn_id})).status_code == 422
