"""What every adapter of the turns' event logs must do; a test module subclasses it and gives the fixture `streams`."""

import asyncio
import uuid

import pytest

from services.supervisor.turns.streams.port import Cursor, EventStreams, Fenced, Frame

WAIT_S = 10.0
"""A test that waits longer has failed."""


def fresh() -> str:
    """A name that no other test uses."""
    return f"turn-events|tests|{uuid.uuid4().hex}.1"


def frames(first: int, last: int) -> list[Frame]:
    return [Frame(n, "message.delta", b'{"type":"message.delta","text":"%d"}' % n) for n in range(first, last + 1)]


async def awaited(streams: EventStreams, name: str, after: Cursor) -> list[Frame]:
    """What comes behind `after`, however long a single read waits."""
    async with asyncio.timeout(WAIT_S):
        while not (batch := await streams.read(name, after, wait_s=0.2)).frames:
            pass
    return list(batch.frames)


class StreamsContract:
    async def test_a_log_is_read_as_it_was_written_from_any_place(self, streams: EventStreams) -> None:
        name = fresh()
        await streams.append(name, 1, frames(1, 2))
        first = await streams.read(name, Cursor())
        await streams.append(name, 1, [*frames(3, 3), Frame(4, "turn.completed", b"{}")])
        assert list(first.frames) == frames(1, 2)
        assert list((await streams.read(name, first.after)).frames) == [
            *frames(3, 3),
            Frame(4, "turn.completed", b"{}"),
        ]
        whole = await streams.read(name, Cursor())
        assert [each.seq for each in whole.frames] == [1, 2, 3, 4]
        assert (await streams.read(name, whole.after)).frames == []

    async def test_what_was_never_written_is_empty(self, streams: EventStreams) -> None:
        assert await streams.read(fresh(), Cursor()) == await streams.read(fresh(), Cursor(), wait_s=0.01)

    async def test_what_is_there_already_is_not_added_again(self, streams: EventStreams) -> None:
        name = fresh()
        await streams.append(name, 1, frames(1, 2))
        await streams.append(name, 1, frames(1, 2))
        await streams.append(name, 1, frames(1, 4))
        assert list((await streams.read(name, Cursor())).frames) == frames(1, 4)

    async def test_behind_a_fence_an_earlier_attempt_adds_nothing(self, streams: EventStreams) -> None:
        name = fresh()
        await streams.append(name, 1, frames(1, 2))
        await streams.fence(name, 2)
        with pytest.raises(Fenced):
            await streams.append(name, 1, frames(3, 3))
        await streams.append(name, 2, frames(3, 4))
        with pytest.raises(Fenced):
            await streams.append(name, 1, frames(5, 5))
        assert list((await streams.read(name, Cursor())).frames) == frames(1, 4)

    async def test_an_empty_log_is_fenced_too_and_once(self, streams: EventStreams) -> None:
        name = fresh()
        await streams.fence(name, 2)
        for attempt in (1, 2):
            with pytest.raises(Fenced):
                await streams.fence(name, attempt)
        with pytest.raises(Fenced):
            await streams.append(name, 1, frames(1, 1))

    async def test_an_erased_log_is_empty_for_good(self, streams: EventStreams) -> None:
        name = fresh()
        await streams.append(name, 2, frames(1, 3))
        for _ in range(2):
            await streams.erase(name)
            assert (await streams.read(name, Cursor())).frames == []
        with pytest.raises(Fenced):
            await streams.append(name, 2, frames(4, 4))
        with pytest.raises(Fenced):
            await streams.fence(name, 3)
        assert (await streams.read(name, Cursor())).frames == []

    async def test_a_reader_that_waits_gets_what_comes(self, streams: EventStreams) -> None:
        name = fresh()
        readers = [asyncio.create_task(awaited(streams, name, Cursor())) for _ in range(3)]
        await asyncio.sleep(0)
        await streams.append(name, 1, frames(1, 1))
        assert await asyncio.gather(*readers) == [frames(1, 1)] * 3

    async def test_a_replica_hears_what_it_is_told_once_and_in_order(self, streams: EventStreams) -> None:
        name = fresh()
        told, heard = await streams.calls(name, "", wait_s=0.01)
        assert told == []
        for each in ("one", "two"):
            await streams.call(name, each)
        told, heard = await streams.calls(name, heard, wait_s=0.2)
        assert told == ["one", "two"]
        assert (await streams.calls(name, heard, wait_s=0.01))[0] == []
