"""The store in memory keeps the contract of stores."""

from collections.abc import Awaitable, Callable

import pytest
from entries_contract import EntriesContract

from services.gateway.caching.semantic import memory_entries
from services.gateway.caching.semantic.entries import Bounds
from services.gateway.caching.semantic.memory_entries import MemoryEntries


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


async def test_the_number_of_partitions_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory_entries, "PARTITIONS_MAX", 2)
    entries = MemoryEntries()
    for partition in ("a", "b", "c"):
        await entries.put(partition, "one", b"", b"v", Bounds())
    assert await entries.ids("a") == set()
    assert await entries.ids("c") == {"one"}
