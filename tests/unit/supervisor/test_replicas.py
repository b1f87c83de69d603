"""A replica dies, or sleeps, with a turn in hand: another one ends it, and nothing is done twice or said twice."""

import asyncio

import orjson
import pytest

from services.supervisor.turns.event_log import EventLog
from services.supervisor.turns.records import Turn, now
from services.supervisor.turns.replicas.in_hand import DeletionInHand
from services.supervisor.turns.streams.memory import InMemoryEventStreams
from switchboard.contracts.events import AgentStarted, MessageDelta, ToolCalled, ToolReturned, TurnCompleted
from switchboard.sidecar import keys
from tests.unit.supervisor.conftest import ADA, WAIT_S_MAX, System, until
from tests.unit.supervisor.replicas import ADA_IS, QUESTION, Replica, status, two_replicas, until_gone


async def asked(system: System, times: int = 1) -> None:
    await until(lambda: len(system.specialists["billing"].requests) >= times)


async def heard(log: EventLog, kind: str) -> None:
    async with asyncio.timeout(WAIT_S_MAX):
        async for frames in log.read():
            if any(frame.type == kind for frame in frames):
                return


async def end_on(replica: Replica, turn_id: str) -> EventLog:
    """The turn as a client reads it on a replica, to its end."""
    log = await replica.supervisor.logs.follow(ADA_IS, turn_id)
    async with asyncio.timeout(WAIT_S_MAX):
        await log.end()
    return log


async def record_of(replica: Replica, turn_id: str) -> Turn:
    conversation_id, _, n = turn_id.rpartition(".")
    item = await replica.sidecar.state.get(keys.turn("aurora", conversation_id, int(n)))
    assert item is not None
    return Turn.model_validate(item.value)


async def test_a_turn_of_a_dead_replica_that_said_nothing_is_answered_by_another() -> None:
    async with two_replicas() as (first, second, system):
        system.specialists["billing"].gate = asyncio.Event()
        log = await first.start()
        await asked(system)
        await heard(log, "agent.started")
        await first.die()
        system.specialists["billing"].gate = None

        await until_gone(second)
        told = await end_on(second, log.turn_id)
        record = await record_of(second, log.turn_id)
        assert (record.status, record.attempt, record.owner) == ("completed", 2, second.supervisor.replicas.id)
        assert [frame.seq for frame in told.frames] == list(range(1, len(told.frames) + 1))
        assert [frame.type for frame in told.frames].count("turn.reset") == 1
        assert [frame.data for frame in log.frames] == [frame.data for frame in told.frames[: len(log.frames)]]
        page = (await second.api.get(f"/v1/conversations/{record.conversation_id}", headers=ADA)).json()
        assert (page["agent"], page["turn_count"]) == ("billing", 1)


async def test_a_turn_of_a_dead_replica_that_said_words_fails_and_names_what_was_done() -> None:
    async with two_replicas() as (first, second, system):
        call = ToolCalled(agent="billing", call_id="create_refund-0123-0", name="create_refund")

        async def script(request):
            yield AgentStarted(agent="billing")
            yield call
            outcome = {"facts": ["Your payment of £20 is refunded."]}
            done = {"status": "done", "outcome": outcome}
            await second.sidecar.state.put(keys.effect(request.turn_id, call.call_id), done)
            yield ToolReturned(
                agent="billing", call_id=call.call_id, name=call.name, ok=True, summary="", duration_ms=1
            )
            yield MessageDelta(agent="billing", text="I have ")
            await asyncio.Event().wait()

        system.specialists["billing"].script = script
        log = await first.start()
        await heard(log, "message.delta")
        await first.die()
        await until_gone(second)

        told = await end_on(second, log.turn_id)
        end = orjson.loads(told.frames[-1].data)
        assert (end["type"], end["code"]) == ("turn.failed", "interrupted")
        assert end["effects"] == ["Your payment of £20 is refunded."]
        assert "Your payment of £20 is refunded." in end["message"]
        assert await status(second, log.turn_id) == ("failed", "interrupted")
        assert len(system.specialists["billing"].requests) == 1
        record = await record_of(second, log.turn_id)
        assert record.events == told.frames[-1].seq == len(told.frames)


async def test_words_that_were_heard_while_the_log_was_away_are_not_said_again() -> None:
    async with two_replicas() as (first, second, system):
        streams = first.supervisor.streams
        assert isinstance(streams, InMemoryEventStreams)

        async def script(request):
            yield AgentStarted(agent="billing")
            streams.down = True
            yield MessageDelta(agent="billing", text="I have ")
            await asyncio.Event().wait()

        system.specialists["billing"].script = script
        log = await first.start()
        await heard(log, "message.delta")

        async def is_marked() -> bool:
            return (await record_of(second, log.turn_id)).log_is_partial

        await until(is_marked)
        await first.die()
        streams.down = False
        await until_gone(second)
        told = await end_on(second, log.turn_id)
        assert (told.frames[-1].type, told.frames[-1].seq) == ("turn.failed", 0)
        assert len(system.specialists["billing"].requests) == 1


async def test_a_replica_that_slept_changes_nothing_when_it_wakes() -> None:
    async with two_replicas() as (first, second, system):
        gate = system.specialists["billing"].gate = asyncio.Event()
        log = await first.start()
        await heard(log, "agent.started")
        await first.sleep()
        system.specialists["billing"].gate = None
        await until_gone(second)
        told = await end_on(second, log.turn_id)
        before = await record_of(second, log.turn_id)

        gate.set()  # it wakes, and its agent's answer is there
        async with asyncio.timeout(WAIT_S_MAX):
            await log.end()  # whoever reads it there hears the other replica's answer
        assert [frame.data for frame in log.frames] == [frame.data for frame in told.frames]
        after = await record_of(second, log.turn_id)
        assert (after.owner, after.attempt, after.text) == (before.owner, 2, before.text)
        page = (await second.api.get(f"/v1/conversations/{after.conversation_id}", headers=ADA)).json()
        assert [turn["status"] for turn in page["turns"]] == ["completed"]


async def test_a_replica_that_slept_writes_nothing_of_a_conversation_that_was_deleted_meanwhile() -> None:
    async with two_replicas() as (first, second, system):
        gate = system.specialists["billing"].gate = asyncio.Event()
        log = await first.start("Why is invoice INV-4242 higher?", agent="billing")
        await heard(log, "agent.started")
        await first.sleep()
        system.specialists["billing"].gate = None
        await until_gone(second)
        await end_on(second, log.turn_id)
        conversation_id = log.turn_id.partition(".")[0]
        gone = await second.api.delete(f"/v1/conversations/{conversation_id}", headers=ADA)
        assert gone.status_code == 204

        streams = first.supervisor.streams
        assert isinstance(streams, InMemoryEventStreams)
        streams.down = True  # the log's fence does not hold it up
        gate.set()
        await until(lambda: len(first.supervisor.logs) == 0)
        assert not any(b"INV-4242" in record.data for record in first.sidecar.state._records.values())


async def test_a_replica_that_is_only_slow_keeps_its_turns() -> None:
    async with two_replicas() as (first, second, system):
        gate = system.specialists["billing"].gate = asyncio.Event()
        log = await first.start()
        await asked(system)
        for _ in range(5):
            await second.round()
            await first.round()
        gate.set()
        assert (await log.end()).type == "turn.completed"
        assert (await record_of(second, log.turn_id)).attempt == 1


async def test_who_could_not_watch_counts_nobodys_silence() -> None:
    """After an outage of the store nobody has had a heartbeat; everybody lives."""
    async with two_replicas() as (first, second, system):
        gate = system.specialists["billing"].gate = asyncio.Event()
        log = await first.start()
        await asked(system)
        await first.sleep()
        await second.round(4.0)
        await second.round(60.0)  # it was stopped itself, or the store was away
        await second.round(2.0)
        gate.set()
        assert (await log.end()).type == "turn.completed"
        assert (await record_of(second, log.turn_id)).attempt == 1


async def test_a_message_that_kills_whoever_answers_it_ends_after_three_replicas() -> None:
    async with two_replicas() as (first, second, system):
        system.specialists["billing"].gate = asyncio.Event()
        log = await first.start()
        await asked(system)
        await first.die()
        record = await record_of(second, log.turn_id)
        record.attempt = 3
        await second.sidecar.state.put(keys.turn("aurora", record.conversation_id, 1), record.model_dump(mode="json"))
        await until_gone(second)
        await end_on(second, log.turn_id)
        assert await status(second, log.turn_id) == ("failed", "interrupted")


async def test_a_conversation_goes_on_after_a_replica_died_between_turn_and_tail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with two_replicas() as (first, second, _):

        async def dies(*_: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(first.supervisor.conversations, "settle", dies)
        log = await first.start()

        async def is_written() -> bool:
            return (await record_of(second, log.turn_id)).status == "completed"

        await until(is_written)
        await first.die()
        conversation_id = log.turn_id.partition(".")[0]
        follow_up = await second.start("And the one before?", conversation_id=conversation_id, agent="billing")
        await follow_up.end()
        conversation = await second.supervisor.conversations.conversation(ADA_IS, conversation_id)
        assert [each.n for each in conversation.tail] == [1, 1, 2, 2]


async def test_what_follows_a_turn_is_published_though_its_replica_died_before() -> None:
    async with two_replicas() as (first, second, _):
        first.sidecar.pubsub.down = True
        log = await first.start()
        await log.end()
        assert "event" in (await record_of(second, log.turn_id)).outbox
        await first.die()
        await until_gone(second)

        async def is_cleared() -> bool:
            return not (await record_of(second, log.turn_id)).outbox

        await until(is_cleared)
        events = [data for topic, data in second.sidecar.pubsub.published if topic == "conversation.events"]
        assert [event["turn_id"] for event in events] == [log.turn_id]


async def test_a_turn_is_cancelled_from_another_replica_and_its_agent_stops() -> None:
    async with two_replicas() as (first, second, system):
        stopped = asyncio.Event()

        async def script(request):
            yield AgentStarted(agent="billing")
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()

        system.specialists["billing"].script = script
        log = await first.start()
        await heard(log, "agent.started")
        answer = await second.api.delete(f"/v1/turns/{log.turn_id}", headers=ADA)
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        async with asyncio.timeout(WAIT_S_MAX):
            await stopped.wait()
            assert (await log.end()).type == "turn.cancelled"
        again = await first.api.delete(f"/v1/turns/{log.turn_id}", headers=ADA)
        assert again.json()["status"] == "cancelled"
        system.specialists["billing"].script = None
        conversation_id = log.turn_id.partition(".")[0]
        assert (await (await first.start(conversation_id=conversation_id)).end()).type == "turn.completed"


async def test_a_turn_is_cancelled_where_it_runs_and_an_answered_one_stays_answered() -> None:
    async with two_replicas() as (first, _, system):
        system.specialists["billing"].gate = asyncio.Event()
        log = await first.start()
        await asked(system)
        answer = await first.api.delete(f"/v1/turns/{log.turn_id}", headers=ADA)
        assert answer.json()["status"] == "cancelled"
        assert log.frames[-1].type == "turn.cancelled"
        system.specialists["billing"].gate = None
        done = await first.start()
        await done.end()
        assert (await first.api.delete(f"/v1/turns/{done.turn_id}", headers=ADA)).json()["status"] == "completed"
        assert (await first.api.delete("/v1/turns/nobody.1", headers=ADA)).status_code == 404


async def test_a_replica_that_ends_hands_over_what_it_said_nothing_of() -> None:
    async with two_replicas() as (first, second, system):
        system.specialists["billing"].gate = asyncio.Event()
        log = await first.start()
        await asked(system)
        await first.supervisor.turns.close(0, hand_over=first.supervisor.replicas.others)
        await first.sleep()
        await first.supervisor.replicas.leave()
        system.specialists["billing"].gate = None
        await second.round()
        told = await end_on(second, log.turn_id)
        assert told.frames[-1].type == "turn.completed"


async def test_a_reader_on_another_replica_hears_a_turn_live_and_numbered_alike() -> None:
    async with two_replicas() as (first, second, system):
        more = asyncio.Event()

        async def script(request):
            yield AgentStarted(agent="billing")
            yield MessageDelta(agent="billing", text="one ")
            await more.wait()
            yield MessageDelta(agent="billing", text="two")
            yield TurnCompleted(text="one two", agents=["billing"])

        system.specialists["billing"].script = script
        log = await first.start()
        await heard(log, "message.delta")
        there = await second.supervisor.logs.follow(ADA_IS, log.turn_id, 2)
        await heard(there, "message.delta")
        more.set()
        async with asyncio.timeout(WAIT_S_MAX):
            await there.end()
            await log.end()
            await log.written()
        assert there.frames == log.frames
        kinds = [frame.seq async for frames in there.read(2) for frame in frames]
        assert kinds == list(range(3, len(log.frames) + 1))


async def test_only_the_question_that_asked_for_it_is_cancelled_when_its_client_goes() -> None:
    async with two_replicas() as (first, _, system):
        system.specialists["billing"].gate = asyncio.Event()
        body = {"message": QUESTION, "cancel_on_disconnect": True}
        headers = ADA | {"Accept": "text/event-stream"}
        asking = asyncio.create_task(first.api.post("/v1/chat", json=body, headers=headers))
        await asked(system)
        asking.cancel()
        turn_id = system.specialists["billing"].requests[0].turn_id

        async def is_cancelled() -> bool:
            return await status(first, turn_id) == ("cancelled", "cancelled")

        await until(is_cancelled)


async def test_a_deletion_of_a_dead_replica_is_done_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.supervisor.memory.deletions.AGAIN_S", 0.01)
    async with two_replicas() as (first, second, _):
        log = await first.start()
        await log.end()
        conversation_id = log.turn_id.partition(".")[0]
        asked_at = now()
        later = await second.start()  # what begins after the user asked for it stays
        await later.end()
        entry = DeletionInHand(tenant="aurora", user=ADA_IS.user, asked_at=asked_at)
        await first.supervisor.deletions._written(entry)
        await first.die()
        await until_gone(second)

        async def is_deleted() -> bool:
            path = f"/v1/conversations/{conversation_id}"
            return (await second.api.get(path, headers=ADA)).status_code == 404

        await until(is_deleted)
        await until(lambda: not second.supervisor.deletions._tasks)
        kept = await second.api.get(f"/v1/conversations/{later.turn_id.partition('.')[0]}", headers=ADA)
        assert kept.status_code == 200
