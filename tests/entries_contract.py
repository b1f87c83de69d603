"""What every store of the caches must do: a test class for the one in memory and the one in Redis."""

import uuid
from collections.abc import Awaitable, Callable

import pytest

from switchboard.caching.entries.port import Bounds, Entries

WIDE = Bounds(entries_max=100, bytes_max=100_000, ttl_s=60.0)


class EntriesContract:
    """Subclasses give the fixtures `entries`, `wait`, which lets so many seconds pass, and `forget`, which loses a partition."""

    @pytest.fixture
    def partition(self) -> str:
        return uuid.uuid4().hex

    async def test_an_entry_is_found_in_its_partition_and_in_no_other(self, entries: Entries, partition: str) -> None:
        await entries.put(partition, "one", b"head", b"value", WIDE)
        assert await entries.get(partition, "one") == b"value"
        assert await entries.get(partition + "x", "one") is None
        assert await entries.ids(partition + "x") == set()

    async def test_an_entry_of_the_same_id_is_replaced(self, entries: Entries, partition: str) -> None:
        await entries.put(partition, "one", b"", b"old", WIDE)
        await entries.put(partition, "one", b"", b"new", WIDE)
        assert await entries.get(partition, "one") == b"new"
        assert (await entries.changes(partition, 0)).count == 1

    async def test_the_changes_since_a_place_are_told_once(self, entries: Entries, partition: str) -> None:
        await entries.put(partition, "one", b"1", b"v", WIDE)
        first = await entries.changes(partition, 0)
        await entries.put(partition, "two", b"2", b"v", WIDE)
        second = await entries.changes(partition, first.place)
        third = await entries.changes(partition, second.place)
        assert first.heads == [("one", b"1")]
        assert second.heads == [("two", b"2")]
        assert (third.heads, third.count) == ([], 2)

    async def test_a_reader_whose_partition_was_lost_is_told_everything_anew(
        self, entries: Entries, partition: str, forget: Callable[[Entries, str], Awaitable[None]]
    ) -> None:
        for name in ("one", "two", "three"):
            await entries.put(partition, name, b"h", b"v", WIDE)
        place = (await entries.changes(partition, 0)).place
        await forget(entries, partition)
        assert await entries.get(partition, "one") is None
        await entries.put(partition, "four", b"4", b"v", WIDE)
        assert (await entries.changes(partition, place)).heads == [("four", b"4")]

    async def test_the_entry_used_longest_ago_goes_when_there_are_too_many(
        self, entries: Entries, partition: str, wait: Callable[[float], Awaitable[None]]
    ) -> None:
        bounds = Bounds(entries_max=2, bytes_max=1_000, ttl_s=60.0)
        await entries.put(partition, "one", b"", b"v", bounds)
        await wait(0.01)
        await entries.put(partition, "two", b"", b"v", bounds)
        await wait(0.01)
        await entries.get(partition, "one")
        await wait(0.01)
        await entries.put(partition, "three", b"", b"v", bounds)
        assert await entries.ids(partition) == {"one", "three"}
        assert await entries.get(partition, "two") is None

    async def test_the_bytes_of_a_partition_are_bounded(self, entries: Entries, partition: str) -> None:
        bounds = Bounds(entries_max=100, bytes_max=1_000, ttl_s=60.0)
        for index in range(10):
            await entries.put(partition, str(index), b"h" * 50, b"v" * 250, bounds)
        assert len(await entries.ids(partition)) == 3

    async def test_an_entry_larger_than_its_partition_is_not_kept(self, entries: Entries, partition: str) -> None:
        await entries.put(partition, "one", b"", b"v" * 2_000, Bounds(100, 1_000, 60.0))
        assert await entries.ids(partition) == set()

    async def test_an_entry_expires(
        self, entries: Entries, partition: str, wait: Callable[[float], Awaitable[None]]
    ) -> None:
        await entries.put(partition, "short", b"h", b"v", Bounds(ttl_s=0.2))
        await entries.put(partition, "long", b"h", b"v", WIDE)
        await wait(0.4)
        assert await entries.get(partition, "short") is None
        assert await entries.get_many(partition, ["short", "long"]) == [None, b"v"]
        changes = await entries.changes(partition, 0)
        assert (changes.heads, changes.count) == ([("long", b"h")], 1)
