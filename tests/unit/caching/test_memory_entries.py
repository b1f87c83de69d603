"""The store in memory keeps the contract of stores."""

from collections.abc import Awaitable, Callable

import pytest
from entries_contract import EntriesContract

from switchboard.caching.entries import memory
from switchboard.caching.entries.memory import MemoryEntries
from switchboard.caching.entries.port import Bounds


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class TestMemoryEntries(EntriesContract):
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def entries(self, clock: Clock) -> MemoryEntries:
        return MemoryEntries(clock)

    @pytest.fixture
    def wait(self, clock: Clock) -> Callable[[float], Awaitable[None]]:
        async def pass_by(seconds: float) -> None:
            clock.now += seconds

        return pass_by

    @pytest.fixture
    def forget(self, clock: Clock) -> Callable[[MemoryEntries, str], Awaitable[None]]:
        async def push_out(entries: MemoryEntries, partition: str) -> None:
            for number in range(memory.PARTITIONS_MAX):
                await entries.put(f"{partition}-{number}", "one", b"", b"v", Bounds())

        return push_out


async def test_the_number_of_partitions_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "PARTITIONS_MAX", 2)
    entries = MemoryEntries()
    for partition in ("a", "b", "c"):
        await entries.put(partition, "one", b"", b"v", Bounds())
    assert await entries.ids("a") == set()
    assert await entries.ids("c") == {"one"}
