"""What every `Sidecar` must do: one suite that the in-memory one and the real one both pass.

A test module subclasses a suite and gives its fixtures: `state`; for the others `sidecar` (attached to an app that
`contract_app` made under the id that `app_id` gives) and `events`, the list which that app fills.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel

from switchboard.contracts.errors import Conflict, InvalidRequest, TooLarge, Unavailable
from switchboard.sidecar import keys
from switchboard.sidecar.ports import Blobs, Sidecar, StateKey, StateStore
from switchboard.sidecar.subscriptions import subscribe

WAIT_S = 15.0
"""A test that waits longer has failed."""
STREAM_PARTS = 3


def part_of(n: int) -> bytes:
    """What the contract's app writes as part `n` of a stream."""
    return f"data: {n} für dich\r\n\n".encode()


def fresh() -> StateKey:
    """A key that no other test uses."""
    return keys.conversation("aurora", uuid.uuid4().hex)


class StateContract:
    """Needs the fixture `state`."""

    async def test_a_key_that_was_never_written_is_none(self, state: StateStore) -> None:
        assert await state.get(fresh()) is None

    async def test_what_was_created_is_read_back_with_an_etag(self, state: StateStore) -> None:
        key = fresh()
        await state.create(key, {"text": "£10 — ünïcode", "n": 3, "list": [1, {"a": None}], "yes": True})
        item = await state.get(key)
        assert item is not None
        assert item.value == {"text": "£10 — ünïcode", "n": 3, "list": [1, {"a": None}], "yes": True}
        assert item.etag

    async def test_a_second_create_is_a_conflict_and_changes_nothing(self, state: StateStore) -> None:
        key = fresh()
        await state.create(key, {"n": 1})
        with pytest.raises(Conflict):
            await state.create(key, {"n": 2})
        item = await state.get(key)
        assert item is not None and item.value == {"n": 1}

    async def test_a_create_over_a_put_is_a_conflict(self, state: StateStore) -> None:
        key = fresh()
        await state.put(key, {"n": 1})
        with pytest.raises(Conflict):
            await state.create(key, {"n": 2})

    async def test_a_put_wins_over_what_was_created_or_replaced(self, state: StateStore) -> None:
        key = fresh()
        await state.create(key, {"n": 1})
        await state.put(key, {"n": 2})
        item = await state.get(key)
        assert item is not None and item.value == {"n": 2}
        await state.replace(key, {"n": 3}, etag=item.etag)
        await state.put(key, {"n": 4})
        item = await state.get(key)
        assert item is not None and item.value == {"n": 4}

    async def test_a_replace_needs_the_version_that_is_there(self, state: StateStore) -> None:
        key = fresh()
        await state.create(key, {"n": 1})
        first = await state.get(key)
        assert first is not None
        await state.replace(key, {"n": 2}, etag=first.etag)
        with pytest.raises(Conflict):
            await state.replace(key, {"n": 3}, etag=first.etag)
        second = await state.get(key)
        assert second is not None and second.value == {"n": 2} and second.etag != first.etag

    async def test_an_etag_of_another_kind_of_store_is_a_conflict(self, state: StateStore) -> None:
        key = fresh()
        await state.create(key, {"n": 1})
        with pytest.raises(Conflict):
            await state.replace(key, {"n": 2}, etag='"not-one-of-yours"')

    async def test_of_many_that_race_to_create_exactly_one_wins(self, state: StateStore) -> None:
        key = fresh()
        outcomes = await asyncio.gather(*(state.create(key, {"n": n}) for n in range(10)), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes if outcome is not None] == [Conflict] * 9

    async def test_many_keys_come_back_in_the_order_asked(self, state: StateStore) -> None:
        conversation = uuid.uuid4().hex
        asked = [keys.turn("aurora", conversation, n) for n in range(1, 8)]
        for n in (1, 2, 5):
            await state.create(asked[n], {"n": n})
        items = await state.get_many(asked)
        assert [item.value["n"] if item else None for item in items] == [None, 1, 2, None, None, 5, None]
        assert await state.get_many([]) == []
        one = await state.get(asked[5])
        assert items[5] == one

    async def test_more_than_a_hundred_keys_at_once_are_refused(self, state: StateStore) -> None:
        with pytest.raises(ValueError, match="100"):
            await state.get_many([keys.agent(f"a{n}") for n in range(101)])

    async def test_what_was_deleted_is_gone_and_can_be_created_again(self, state: StateStore) -> None:
        key = fresh()
        await state.create(key, {"n": 1})
        await state.delete(key)
        assert await state.get(key) is None
        await state.delete(key)
        await state.create(key, {"n": 2})

    async def test_a_value_above_one_mebibyte_is_refused_and_not_written(self, state: StateStore) -> None:
        key = fresh()
        with pytest.raises(TooLarge):
            await state.create(key, {"text": "x" * (1024 * 1024)})
        assert await state.get(key) is None
        await state.create(key, {"text": "x" * (1024 * 1000)})

    async def test_keys_with_any_characters_of_users_are_kept_apart(self, state: StateStore) -> None:
        tail = uuid.uuid4().hex
        first = keys.idempotency("aurora", f"a|b/{tail}", "k?#\\é")
        second = keys.idempotency("aurora", f"a/b|{tail}", "k?#\\é")
        await state.create(first, {"n": 1})
        await state.create(second, {"n": 2})
        items = [await state.get(first), await state.get(second)]
        assert [item.value["n"] for item in items if item] == [1, 2]

    async def test_several_are_created_in_one_call_and_none_over_what_is_there(self, state: StateStore) -> None:
        one, other = fresh(), fresh()
        await state.create_all([(one, {"n": 1}), (other, {"n": 2})])
        items = await state.get_many([one, other])
        assert [item.value["n"] for item in items if item] == [1, 2]
        with pytest.raises(Conflict):
            await state.create_all([(fresh(), {"n": 3}), (other, {"n": 4})])
        kept = await state.get(other)
        assert kept is not None and kept.value == {"n": 2}

    async def test_what_is_put_with_several_is_written_over_anything_and_checked_by_none(
        self, state: StateStore
    ) -> None:
        note, one = fresh(), fresh()
        for n in (1, 2):
            await state.create_all([(fresh(), {"n": n})], put=[(note, {"n": n})])
        await state.create(one, {"n": 1})
        item = await state.get(one)
        assert item is not None
        await state.replace_all([(one, {"n": 2}, item.etag)], put=[(note, {"n": 3})])
        items = await state.get_many([note, one])
        assert [item.value["n"] for item in items if item] == [3, 2]

    async def test_several_are_replaced_in_one_call_and_one_that_changed_is_told(self, state: StateStore) -> None:
        one, other = fresh(), fresh()
        await state.create_all([(one, {"n": 1}), (other, {"n": 1})])
        etags = [item.etag for item in await state.get_many([one, other]) if item]
        await state.replace_all([(one, {"n": 2}, etags[0]), (other, {"n": 2}, etags[1])])
        items = await state.get_many([one, other])
        assert [item.value["n"] for item in items if item] == [2, 2]
        with pytest.raises(Conflict):
            await state.replace_all([(one, {"n": 3}, items[0].etag if items[0] else ""), (other, {"n": 3}, etags[1])])
        kept = await state.get(other)
        assert kept is not None and kept.value == {"n": 2}

    async def test_a_delete_with_an_etag_deletes_only_that_version(self, state: StateStore) -> None:
        key = fresh()
        await state.create(key, {"n": 1})
        first = await state.get(key)
        assert first is not None
        await state.replace(key, {"n": 2}, etag=first.etag)
        with pytest.raises(Conflict):
            await state.delete(key, etag=first.etag)
        second = await state.get(key)
        assert second is not None
        await state.delete(key, etag=second.etag)
        assert await state.get(key) is None


class ExpiryContract:
    """Needs the fixtures `state` and `pass_seconds`, which lets time pass in the store."""

    async def test_a_value_is_gone_after_its_time_to_live(
        self, state: StateStore, pass_seconds: Callable[[float], Any]
    ) -> None:
        key, forever = fresh(), fresh()
        await state.put(key, {"n": 1}, ttl_s=1)
        await state.create(forever, {"n": 2}, ttl_s=1)
        item = await state.get(forever)
        assert item is not None
        await state.replace(forever, {"n": 3}, etag=item.etag)
        assert await state.get(key) is not None
        await pass_seconds(1.2)
        assert await state.get(key) is None
        kept = await state.get(forever)
        assert kept is not None and kept.value == {"n": 3}, "a write without a time to live stays"

    async def test_after_it_expired_a_key_can_be_created_again(
        self, state: StateStore, pass_seconds: Callable[[float], Any]
    ) -> None:
        key = fresh()
        await state.create(key, {"n": 1}, ttl_s=1)
        await pass_seconds(1.2)
        await state.create(key, {"n": 2})


class BlobsContract:
    """Needs the fixture `blobs`."""

    async def test_a_blob_comes_back_byte_for_byte(self, blobs: Blobs) -> None:
        name, data = f"a/{uuid.uuid4().hex}/1.json.gz", bytes(range(256)) * 40
        await blobs.put(name, data)
        assert await blobs.get(name) == data
        await blobs.put(name, b"")
        assert not await blobs.get(name)

    async def test_text_that_reads_like_base64_comes_back_as_it_was(self, blobs: Blobs) -> None:
        name = f"b/{uuid.uuid4().hex}"
        await blobs.put(name, b"aGVsbG8=")
        assert await blobs.get(name) == b"aGVsbG8="

    async def test_a_blob_that_is_not_there_is_none_and_may_be_deleted(self, blobs: Blobs) -> None:
        name = f"c/{uuid.uuid4().hex}"
        assert await blobs.get(name) is None
        await blobs.delete(name)
        await blobs.put(name, b"x")
        await blobs.delete(name)
        assert await blobs.get(name) is None

    async def test_a_blob_that_is_too_large_is_refused(self, blobs: Blobs) -> None:
        with pytest.raises(TooLarge):
            await blobs.put(f"d/{uuid.uuid4().hex}", b"x" * (3 * 1024 * 1024 + 1))


class Note(BaseModel):
    """The event of the contract's app."""

    text: str
    times: int = 0


def contract_app(events: list[tuple[str, Note]]) -> FastAPI:
    """An app that streams, fails and takes events, appending (what happened, event) to `events`."""
    app = FastAPI()

    async def take(note: Note) -> None:
        events.append(("taken", note))
        seen = sum(1 for _, other in events if other.text == note.text)
        if note.text.startswith("flaky") and seen == 1:
            raise Unavailable
        if note.text.startswith("refused"):
            raise InvalidRequest

    async def bury(note: Note) -> None:
        events.append(("buried", note))

    subscribe(app, "contract.notes", take, model=Note, dead_letter_topic="contract.dead")
    subscribe(app, "contract.dead", bury, model=Note, dead_letter_topic=None)

    read: dict[str, asyncio.Queue[None]] = {}

    @app.post("/stream")
    async def stream(request: Request) -> StreamingResponse:
        """Writes a part, and the next one only when a call of `/read` has said that it was read."""
        name = str((await request.json())["name"])
        read[name] = asyncio.Queue()

        async def parts() -> AsyncIterator[bytes]:
            for n in range(STREAM_PARTS):
                yield part_of(n)
                await read[name].get()

        return StreamingResponse(parts(), media_type="text/event-stream")

    @app.post("/read")
    async def was_read(request: Request) -> None:
        read[str((await request.json())["name"])].put_nowait(None)

    @app.post("/headers")
    async def headers(request: Request) -> dict[str, str]:
        return dict(request.headers)

    @app.post("/broken")
    async def broken() -> JSONResponse:
        events.append(("called", Note(text="broken")))
        return JSONResponse({"code": "internal"}, 500)

    @app.post("/breaks-off")
    async def breaks_off() -> StreamingResponse:
        async def lines() -> AsyncIterator[bytes]:
            yield b"data: first\n"
            await asyncio.sleep(0.05)
            raise RuntimeError("the app of the contract breaks off")

        return StreamingResponse(lines(), media_type="text/event-stream")

    @app.post("/large")
    async def large() -> JSONResponse:
        return JSONResponse("x" * (1024 * 1024 + 1))

    return app


class InvokerContract:
    """Needs the fixtures `sidecar`, `app_id` and `events`."""

    async def test_a_stream_arrives_as_it_is_written(self, sidecar: Sidecar, app_id: str) -> None:
        stream = {"name": uuid.uuid4().hex}
        async with asyncio.timeout(WAIT_S), sidecar.invoker.open(app_id, "/stream", json=stream) as response:
            assert response.status == 200
            chunks = response.chunks()
            for n in range(STREAM_PARTS):
                arrived = b""
                while len(arrived) < len(part_of(n)):
                    arrived += await anext(chunks)
                assert arrived == part_of(n)
                async with sidecar.invoker.open(app_id, "/read", json=stream) as told:
                    assert told.status == 200
            assert [chunk async for chunk in chunks] == []

    async def test_a_reader_that_stops_early_does_not_wait_for_the_rest(self, sidecar: Sidecar, app_id: str) -> None:
        stream = {"name": uuid.uuid4().hex}
        async with asyncio.timeout(WAIT_S), sidecar.invoker.open(app_id, "/stream", json=stream) as response:
            assert part_of(0).startswith(await anext(response.chunks()))

    async def test_headers_and_trace_context_reach_the_app(self, sidecar: Sidecar, app_id: str) -> None:
        async with sidecar.invoker.open(app_id, "headers", headers={"x-note": "hello"}) as response:
            told = await response.body()
        assert b'"x-note":"hello"' in told
        assert b'"content-type":"application/json"' in told

    async def test_an_error_of_the_app_itself_is_given_as_it_is_and_not_asked_again(
        self, sidecar: Sidecar, app_id: str, events: list[tuple[str, Note]]
    ) -> None:
        before = len(events)
        async with sidecar.invoker.open(app_id, "/broken") as response:
            assert response.status == 500
            assert await response.body() == b'{"code":"internal"}'
        assert [name for name, _ in events[before:]] == ["called"]
        async with sidecar.invoker.open(app_id, "/nothing-here") as response:
            assert response.status == 404

    async def test_an_app_that_is_nowhere_is_unavailable(self, sidecar: Sidecar) -> None:
        with pytest.raises(Unavailable):
            async with asyncio.timeout(WAIT_S), sidecar.invoker.open(f"nobody-{uuid.uuid4().hex[:8]}", "/stream"):
                pass

    async def test_an_answer_that_the_app_breaks_off_ends_early(self, sidecar: Sidecar, app_id: str) -> None:
        async with sidecar.invoker.open(app_id, "/breaks-off") as response:
            assert b"".join([chunk async for chunk in response.chunks()]) == b"data: first\n"

    async def test_an_answer_that_takes_too_long_is_unavailable(self, sidecar: Sidecar, app_id: str) -> None:
        stream = {"name": uuid.uuid4().hex}
        with pytest.raises(Unavailable):
            async with sidecar.invoker.open(app_id, "/stream", json=stream, timeout_s=0.5) as response:
                async for _ in response.chunks():
                    pass

    async def test_a_body_above_one_mebibyte_is_refused(self, sidecar: Sidecar, app_id: str) -> None:
        with pytest.raises(Unavailable):
            async with sidecar.invoker.open(app_id, "/large") as response:
                await response.body()


class PubSubContract:
    """Needs the fixtures `sidecar`, `app_id` and `events`."""

    async def test_an_event_reaches_the_app_that_subscribed(
        self, sidecar: Sidecar, events: list[tuple[str, Note]]
    ) -> None:
        text = f"hello {uuid.uuid4().hex}"
        await sidecar.pubsub.publish("contract.notes", {"text": text})
        assert await _outcomes(events, text, 1) == ["taken"]

    async def test_an_event_that_could_not_be_taken_now_is_delivered_again(
        self, sidecar: Sidecar, events: list[tuple[str, Note]]
    ) -> None:
        text = f"flaky {uuid.uuid4().hex}"
        await sidecar.pubsub.publish("contract.notes", {"text": text})
        assert await _outcomes(events, text, 2) == ["taken", "taken"]

    async def test_an_event_that_the_handler_refuses_goes_to_the_dead_letters_once(
        self, sidecar: Sidecar, events: list[tuple[str, Note]]
    ) -> None:
        text = f"refused {uuid.uuid4().hex}"
        await sidecar.pubsub.publish("contract.notes", {"text": text})
        assert await _outcomes(events, text, 2) == ["taken", "buried"]

    async def test_a_malformed_event_is_not_given_to_the_handler(
        self, sidecar: Sidecar, events: list[tuple[str, Note]]
    ) -> None:
        text = f"malformed {uuid.uuid4().hex}"
        await sidecar.pubsub.publish("contract.notes", {"text": text, "times": "many"})
        later = f"later {uuid.uuid4().hex}"
        await sidecar.pubsub.publish("contract.notes", {"text": later})
        assert await _outcomes(events, later, 1) == ["taken"]
        assert await _outcomes(events, text, 0) == []

    async def test_an_event_above_its_bound_is_refused(self, sidecar: Sidecar) -> None:
        with pytest.raises(TooLarge):
            await sidecar.pubsub.publish("contract.notes", {"text": "x" * (240 * 1024)})

    async def test_every_part_is_ready(self, sidecar: Sidecar) -> None:
        assert await sidecar.ready() == {"sidecar": True, "statestore": True, "pubsub": True}


async def _outcomes(events: list[tuple[str, Note]], text: str, count: int) -> list[str]:
    """What happened to the event `text`, once `count` things did (or the time is over)."""
    for _ in range(int(WAIT_S / 0.02)):
        if sum(1 for _, note in events if note.text == text) >= count:
            break
        await asyncio.sleep(0.02)
    return [name for name, note in events if note.text == text]
