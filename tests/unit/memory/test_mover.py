"""The job that moves: by age of last use, a bounded batch a round, one replica at a time, whatever fails."""

from datetime import UTC, datetime, timedelta

import pytest

from switchboard.memory.tiers.cold import ColdTier
from switchboard.memory.tiers.index import DUE_PAGE, ConversationIndex, Entry
from switchboard.memory.tiers.mover import PAGES_MAX, Mover, TierPolicy
from switchboard.memory.tiers.store import TieredStore
from switchboard.sidecar import keys
from switchboard.sidecar.inmemory import InMemoryBlobs, InMemoryStateStore
from switchboard.sidecar.lease import Lease


class Place:
    """A supervisor's tiers at a time that the test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 15, tzinfo=UTC)
        self.hot, self.warm, self.blobs = InMemoryStateStore(), InMemoryStateStore(), InMemoryBlobs()
        self.index = ConversationIndex(self.hot, clock=lambda: self.now.timestamp())
        self.tiers = TieredStore(self.hot, self.warm, ColdTier(self.blobs))
        self.mover = Mover(self.index, self.tiers, Lease(self.hot, "mover", 60), TierPolicy(), lambda: self.now)

    async def open(self, n: int, turns: int = 1) -> str:
        conversation_id = f"c{n}"
        value = {"turn_count": turns, "owner": "u", "updated_at": self.now.isoformat()}
        await self.hot.put(keys.conversation("t", conversation_id), value)
        for turn in range(1, turns + 1):
            record = {"status": "completed", "lease_until": self.now.isoformat()}
            await self.hot.put(keys.turn("t", conversation_id, turn), record)
        await self.index.opened(Entry(tenant="t", user="u", conversation_id=conversation_id))
        return conversation_id

    async def use(self, conversation_id: str) -> None:
        key = keys.conversation("t", conversation_id)
        item = await self.hot.get(key)
        assert item is not None
        await self.hot.replace(key, item.value | {"updated_at": self.now.isoformat()}, etag=item.etag)

    async def tier(self, conversation_id: str) -> str:
        found = await self.tiers.find(keys.conversation("t", conversation_id))
        return found.tier if found is not None else "nowhere"


@pytest.fixture
def place() -> Place:
    return Place()


async def test_what_is_used_stays_and_what_is_not_goes_down(place: Place) -> None:
    used, unused = await place.open(1), await place.open(2)
    for _ in range(20):
        place.now += timedelta(days=5)
        await place.use(used)
        await place.mover.round()
    assert (await place.tier(used), await place.tier(unused)) == ("hot", "cold")
    place.now += timedelta(days=8.5)
    await place.mover.round()
    assert await place.tier(used) == "warm"


async def test_a_round_is_bounded_and_the_next_ones_do_the_rest(place: Place) -> None:
    count = DUE_PAGE * PAGES_MAX + 30
    for n in range(count):
        await place.open(n)
    place.now += timedelta(days=9)
    first = await place.mover.round()
    assert first.taken_in == count and 0 < first.to_warm <= DUE_PAGE * PAGES_MAX < count
    assert (await place.mover.round()).to_warm == count - first.to_warm
    assert (await place.mover.round()).to_warm == 0


async def test_one_that_fails_is_tried_again_and_holds_up_no_other(place: Place) -> None:
    broken, whole = await place.open(1), await place.open(2)
    item = await place.hot.get(keys.conversation("t", broken))
    assert item is not None
    place.now += timedelta(days=9)
    await place.mover.round()
    assert await place.tier(broken) == "warm"
    place.now += timedelta(days=90)
    place.blobs.down = True
    assert (await place.mover.round()).failed == 2
    assert await place.tier(whole) == "warm"
    place.blobs.down = False
    place.now += timedelta(days=2)
    assert (await place.mover.round()).to_cold == 2
    assert await place.tier(broken) == await place.tier(whole) == "cold"


async def test_a_conversation_that_was_deleted_leaves_the_index(place: Place) -> None:
    conversation_id = await place.open(1)
    await place.mover.round()
    await place.tiers.erase_conversation("t", conversation_id, 1)
    place.now += timedelta(days=9)
    assert (await place.mover.round()).failed == 0
    assert await place.index.conversations_of("t", "u") == []
    assert await place.index.due() is None


async def test_a_round_without_the_lease_does_nothing_and_the_lease_is_given_back(place: Place) -> None:
    await place.open(1)
    place.now += timedelta(days=9)
    other = Lease(place.hot, "mover", 60)
    assert await other.take()
    assert (await place.mover.round()).taken_in == 0
    await other.give_back()
    assert (await place.mover.round()).to_warm == 1
    assert await other.take()
