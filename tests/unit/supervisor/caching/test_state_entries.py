"""The store of kept answers over the sidecar's state keeps the contract of stores."""

from collections.abc import Awaitable, Callable

import pytest
from entries_contract import EntriesContract

from services.supervisor.caching.entries import StateEntries
from switchboard.caching.entries.port import Bounds
from switchboard.sidecar import keys
from switchboard.sidecar.inmemory.state import InMemoryStateStore

BOUNDS = Bounds(entries_max=10, bytes_max=100_000, ttl_s=60.0)
WHERE = "aurora|scope"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(clock: Clock) -> InMemoryStateStore:
    return InMemoryStateStore(clock)


class TestStateEntries(EntriesContract):
    @pytest.fixture
    def entries(self, state: InMemoryStateStore, clock: Clock) -> StateEntries:
        return StateEntries(state, fresh_s=0, clock=clock)

    @pytest.fixture
    def wait(self, clock: Clock) -> Callable[[float], Awaitable[None]]:
        async def pass_by(seconds: float) -> None:
            clock.now += seconds

        return pass_by

    @pytest.fixture
    def forget(self, state: InMemoryStateStore) -> Callable[[StateEntries, str], Awaitable[None]]:
        async def lose(entries: StateEntries, partition: str) -> None:
            await state.delete(keys.kept_answers("", partition))
            for identity in ("one", "two", "three"):
                await state.delete(keys.kept_answer("", partition, identity))

        return lose

    async def test_the_entry_used_longest_ago_goes_when_there_are_too_many(
        self, entries: StateEntries, partition: str
    ) -> None:
        """Uses are not counted here: the oldest goes."""
        bounds = Bounds(entries_max=2, bytes_max=1_000, ttl_s=60.0)
        for identity in ("one", "two", "three"):
            await entries.put(partition, identity, b"", b"v", bounds)
        assert await entries.ids(partition) == {"two", "three"}
        assert await entries.get(partition, "one") is None


async def test_a_replica_reads_the_index_once_a_while_and_an_answer_each_time(state: InMemoryStateStore, clock: Clock):
    here, there = StateEntries(state, fresh_s=3600, clock=clock), StateEntries(state, fresh_s=3600, clock=clock)
    assert not await here.knows(WHERE, "one")
    await there.put(WHERE, "one", b"head", b"value", BOUNDS)
    assert not await here.knows(WHERE, "one"), "it looked a moment ago"
    assert await there.knows(WHERE, "one"), "its own it knows at once"
    assert await here.get(WHERE, "one") == b"value"


async def test_a_withdrawn_answer_is_gone_everywhere_at_once_and_not_kept_again(
    state: InMemoryStateStore, clock: Clock
):
    here, there = StateEntries(state, fresh_s=3600, clock=clock), StateEntries(state, fresh_s=3600, clock=clock)
    await here.put(WHERE, "one", b"head", b"value", BOUNDS)
    assert await there.knows(WHERE, "one")
    await here.withdraw(WHERE, "one", 600.0)
    assert await there.get(WHERE, "one") is None
    assert not await here.knows(WHERE, "one")
    await there.put(WHERE, "one", b"head", b"the same again", BOUNDS)
    assert await there.get(WHERE, "one") is None
    clock.now += 601.0
    await there.put(WHERE, "one", b"head", b"another", BOUNDS)
    assert await here.get(WHERE, "one") == b"another"


async def test_tenants_are_apart_by_their_keys(state: InMemoryStateStore, clock: Clock):
    entries = StateEntries(state, clock=clock)
    await entries.put("aurora|scope", "one", b"", b"value", BOUNDS)
    assert await entries.get("borealis|scope", "one") is None
    assert await state.get(keys.kept_answer("aurora", "scope", "one")) is not None
