"""The index of conversations: nothing that was opened is lost, and what is due comes when it is due."""

import asyncio

import pytest

from switchboard.contracts.errors import Unavailable
from switchboard.memory.tiers.index import DUE_PAGE, OWNED_PAGE, SETTLED_S, SILENT_S, ConversationIndex, Entry
from switchboard.sidecar import keys
from switchboard.sidecar.inmemory import InMemoryStateStore
from switchboard.sidecar.lease import Lease

WEEK_S = 7 * 86_400


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state() -> InMemoryStateStore:
    return InMemoryStateStore()


def index(state: InMemoryStateStore, clock: Clock) -> ConversationIndex:
    return ConversationIndex(state, clock=clock)


def entry(n: int, user: str = "ada") -> Entry:
    return Entry(tenant="t", user=user, conversation_id=f"c{n}")


async def due(made: ConversationIndex) -> list[str]:
    """All that is due, taken away."""
    found: list[str] = []
    while (page := await made.due()) is not None:
        found += [each.conversation_id for each in page[1]]
        await made.done(page[0])
    return found


async def test_what_several_replicas_opened_is_found_by_owner_and_by_time(
    state: InMemoryStateStore, clock: Clock
) -> None:
    one, other = index(state, clock), index(state, clock)
    await asyncio.gather(*(one.opened(entry(n)) for n in range(150)), *(other.opened(entry(n, "ben")) for n in (1, 2)))
    assert await one.take_in(WEEK_S) == 152
    assert sorted(await other.conversations_of("t", "ada")) == sorted(f"c{n}" for n in range(150))
    assert await other.conversations_of("t", "ben") == ["c1", "c2"]
    assert await other.conversations_of("another", "ada") == []
    assert await due(other) == []
    clock.now += WEEK_S + 86_400
    assert len(await due(other)) == 152
    assert await due(other) == []


async def test_entries_leave_the_log_once_they_are_taken_in(state: InMemoryStateStore, clock: Clock) -> None:
    made = index(state, clock)
    for n in range(3):
        await made.opened(entry(n))
    clock.now += SETTLED_S * 2
    assert await made.take_in(WEEK_S) == 3
    assert await made.take_in(WEEK_S) == 0
    logs = [key for _, key in state._records if key.startswith("opened|")]
    assert logs == []


async def test_an_entry_that_is_still_on_its_way_is_waited_for(state: InMemoryStateStore, clock: Clock) -> None:
    made = index(state, clock)
    for n in (1, 2, 3):
        await made.opened(entry(n))
    late = keys.index_log(made._writer, 2)
    item = await state.get(late)
    assert item is not None
    await state.delete(late)
    await made.take_in(WEEK_S)
    assert await made.conversations_of("t", "ada") == ["c1", "c3"]
    await state.put(late, item.value)
    await made.take_in(WEEK_S)
    assert sorted(await made.conversations_of("t", "ada")) == ["c1", "c2", "c3"]


async def test_an_entry_that_never_came_holds_nothing_up(state: InMemoryStateStore, clock: Clock) -> None:
    made = index(state, clock)
    for n in (1, 2, 3):
        await made.opened(entry(n))
    await state.delete(keys.index_log(made._writer, 2))
    clock.now += SETTLED_S * 2
    await made.take_in(WEEK_S)
    await made.opened(entry(4))
    await made.take_in(WEEK_S)
    assert await made.conversations_of("t", "ada") == ["c1", "c3", "c4"]


async def test_the_log_of_a_replica_that_is_gone_is_dropped_after_a_day(
    state: InMemoryStateStore, clock: Clock
) -> None:
    gone, here = index(state, clock), index(state, clock)
    await gone.opened(entry(1))
    clock.now += SETTLED_S * 2
    await here.take_in(WEEK_S)
    clock.now += SILENT_S * 2
    await here.take_in(WEEK_S)
    item = await state.get(keys.conversation_index())
    assert item is not None and item.value["writers"] == {}


async def test_a_long_outage_of_the_state_store_loses_no_later_conversation(
    state: InMemoryStateStore, clock: Clock
) -> None:
    made = index(state, clock)
    await made.opened(entry(1))
    state.down = True
    for n in range(500):
        with pytest.raises(Unavailable):
            await made.opened(entry(1_000 + n))
    state.down = False
    await made.opened(entry(2))
    await made.take_in(WEEK_S)
    clock.now += SETTLED_S * 2
    await made.opened(entry(3))
    await made.take_in(WEEK_S)
    assert sorted(await made.conversations_of("t", "ada")) == ["c1", "c2", "c3"]


async def test_a_replica_that_was_idle_for_days_is_heard_again(state: InMemoryStateStore, clock: Clock) -> None:
    idle, other = index(state, clock), index(state, clock)
    await idle.opened(entry(1))
    for _ in range(4):
        clock.now += SILENT_S
        await other.opened(entry(2))
        await other.take_in(WEEK_S)
    await idle.opened(entry(3))
    await other.take_in(WEEK_S)
    assert sorted(await other.conversations_of("t", "ada")) == ["c1", "c2", "c3"]


async def test_pages_hold_any_number_of_conversations(state: InMemoryStateStore, clock: Clock) -> None:
    made = index(state, clock)
    count = OWNED_PAGE + DUE_PAGE + 7
    for n in range(count):
        await made.opened(entry(n))
    await made.take_in(WEEK_S)
    assert await made.conversations_of("t", "ada") == [f"c{n}" for n in range(count)]
    await made.disown("t", "ada", ["c3", f"c{count - 1}"])
    assert len(await made.conversations_of("t", "ada")) == count - 2
    await made.disown("t", "ada")
    assert await made.conversations_of("t", "ada") == []
    clock.now += WEEK_S + 86_400
    assert len(set(await due(made))) == count


async def test_taking_in_twice_what_a_crash_left_changes_nothing(state: InMemoryStateStore, clock: Clock) -> None:
    made = index(state, clock)
    await made.opened(entry(1))
    item = await state.get(keys.index_log(made._writer, 1))
    assert item is not None
    await made._enter([item.value], WEEK_S)  # and then the process died
    await made.take_in(WEEK_S)
    assert await made.conversations_of("t", "ada") == ["c1"]
    clock.now += WEEK_S + 86_400
    assert await due(made) == ["c1"]


async def test_a_lease_has_one_holder_until_it_ends(state: InMemoryStateStore) -> None:
    one, other = Lease(state, "job", 60), Lease(state, "job", 60)
    assert await one.take() and await one.take()
    assert not await other.take()
    await other.give_back()
    assert not await other.take(), "only the holder gives it back"
    await one.give_back()
    assert await other.take()
    ended = Lease(state, "short", 0)
    assert await ended.take() and await Lease(state, "short", 60).take()


async def test_of_many_that_want_a_lease_at_once_one_gets_it(state: InMemoryStateStore) -> None:
    assert sum(await asyncio.gather(*(Lease(state, "job", 60).take() for _ in range(10)))) == 1
