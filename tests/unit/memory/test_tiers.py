"""Moves that meet a turn, a deletion or another write: nothing is lost, and nothing that was deleted comes back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from switchboard.memory.tiers.cold import ColdTier, CorruptBlob
from switchboard.memory.tiers.store import MOVED_KEY, TieredStore
from switchboard.sidecar import keys
from switchboard.sidecar.inmemory import InMemoryBlobs, InMemoryStateStore
from switchboard.sidecar.ports import StateKey

TURNS = 250
KEY, RECALL, USER = keys.conversation("t", "c"), keys.conversation_memory("t", "c"), keys.user_memory("t", "u")
Meanwhile = Callable[[], Awaitable[object]]


class Meeting(InMemoryStateStore):
    """A warm store in which something happens right after a chosen key was written."""

    def __init__(self) -> None:
        super().__init__()
        self.at: StateKey | None = None
        self.meanwhile: Meanwhile | None = None

    async def put(self, key: StateKey, value: Any, *, ttl_s: int | None = None) -> None:
        await super().put(key, value, ttl_s=ttl_s)
        if key == self.at and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()


class Place:
    def __init__(self) -> None:
        self.hot, self.warm, self.blobs = InMemoryStateStore(), Meeting(), InMemoryBlobs()
        self.tiers = TieredStore(self.hot, self.warm, ColdTier(self.blobs))

    async def fill(self) -> None:
        await self.hot.put(KEY, {"turn_count": TURNS, "owner": "u", "secret": "s3cret"})
        await self.hot.put(RECALL, {"upto": TURNS, "secret": "s3cret"})
        for n in range(1, TURNS + 1):
            turn = {"n": n, "status": "completed", "lease_until": "2026-01-01T00:00:00+00:00", "secret": "s3cret"}
            await self.hot.put(keys.turn("t", "c", n), turn)

    async def turns(self) -> list[int]:
        found: list[int] = []
        for first in range(1, TURNS + 1, 100):
            numbers = range(first, min(first + 100, TURNS + 1))
            found += [value["n"] for value in await self.tiers.turns("t", "c", numbers) if value is not None]
        return found

    def holds(self, text: str) -> bool:
        stores = [record.data for store in (self.hot, self.warm) for record in store._records.values()]
        return any(text.encode() in data for data in stores) or bool(self.blobs.data)


@pytest.fixture
async def place() -> Place:
    made = Place()
    await made.fill()
    return made


async def test_a_long_conversation_moves_whole_and_is_read_at_every_step(place: Place) -> None:
    for to in ("warm", "cold"):
        assert await place.tiers.move_conversation("t", "c", to) == "moved"  # type: ignore[arg-type]
        found = await place.tiers.find(KEY)
        assert found is not None and found.tier == to
        assert await place.turns() == list(range(1, TURNS + 1))
    assert not place.hot._records and not place.warm._records
    assert sorted(place.blobs.data) == [
        "conversation/t/c.json.gz",
        "recall/t/c.json.gz",
        *(f"turns/t/c/{page}.json.gz" for page in range(3)),
    ]


@pytest.mark.parametrize("at", [keys.turn("t", "c", 120), RECALL, KEY], ids=["turns", "recall", "record"])
async def test_a_turn_that_comes_while_its_conversation_moves_wins(place: Place, at: StateKey) -> None:
    async def turn() -> None:
        item = await place.hot.get(KEY)
        assert item is not None
        await place.hot.replace(KEY, item.value | {"turn_count": TURNS + 1}, etag=item.etag)

    place.warm.at, place.warm.meanwhile = at, turn
    moved = await place.tiers.move_conversation("t", "c", "warm")
    assert moved == "used"
    found = await place.tiers.find(KEY)
    assert found is not None and found.tier == "hot" and found.value["turn_count"] == TURNS + 1
    assert await place.turns() == list(range(1, TURNS + 1))


@pytest.mark.parametrize("at", [keys.turn("t", "c", 120), RECALL, KEY], ids=["turns", "recall", "record"])
async def test_a_conversation_that_is_deleted_while_it_moves_stays_deleted(place: Place, at: StateKey) -> None:
    place.warm.at = at
    place.warm.meanwhile = lambda: place.tiers.erase_conversation("t", "c", TURNS)
    await place.tiers.move_conversation("t", "c", "warm")
    assert not place.holds("s3cret")
    assert await place.tiers.find(KEY) is None and await place.tiers.raised(KEY) is None
    assert await place.turns() == []


async def test_a_memory_that_is_emptied_while_its_conversation_moves_stays_empty(place: Place) -> None:
    place.warm.at = KEY
    place.warm.meanwhile = lambda: place.hot.put(RECALL, {"upto": TURNS})
    assert await place.tiers.move_conversation("t", "c", "warm") == "moved"
    found = await place.tiers.find(RECALL)
    assert found is not None and found.value == {"upto": TURNS}


async def test_a_users_memory_that_is_forgotten_while_it_moves_stays_forgotten() -> None:
    place = Place()
    await place.hot.put(USER, {"consent": True, "secret": "s3cret"})
    place.warm.at, place.warm.meanwhile = USER, lambda: place.hot.put(USER, {"consent": False})
    assert await place.tiers.move_record(USER, "warm") == "used"
    assert not place.holds("s3cret")
    await place.hot.put(USER, {"consent": True, "secret": "s3cret"})
    assert await place.tiers.move_record(USER, "warm") == "moved"
    assert await place.tiers.move_record(USER, "cold") == "moved"
    item, below = await place.hot.get(USER), await place.tiers.find_below(USER)
    assert item is not None and item.value == {MOVED_KEY: True}
    assert below is not None and below.tier == "cold"


async def test_readers_miss_nothing_while_a_conversation_moves(place: Place) -> None:
    moving = asyncio.create_task(place.tiers.move_conversation("t", "c", "warm"))
    while not moving.done():
        assert await place.tiers.find(KEY) is not None
        assert len(await place.turns()) == TURNS
        await asyncio.sleep(0)
    assert await moving == "moved"


async def test_a_blob_that_does_not_hold_what_was_written_keeps_its_source(place: Place) -> None:
    class Lossy(InMemoryBlobs):
        async def get(self, name: str) -> bytes | None:
            data = await super().get(name)
            return data[:-1] if data else data

    tiers = TieredStore(place.hot, None, ColdTier(Lossy()))
    with pytest.raises(CorruptBlob):
        await tiers.move_conversation("t", "c", "cold")
    assert await place.hot.get(KEY) is not None and await place.hot.get(keys.turn("t", "c", 1)) is not None


async def test_without_lower_tiers_everything_stays_hot_and_what_is_unknown_is_not_there() -> None:
    hot = InMemoryStateStore()
    tiers = TieredStore(hot)
    assert tiers.below == []
    assert await tiers.find(KEY) is None and await tiers.turns("t", "c", [1, 2]) == [None, None]
