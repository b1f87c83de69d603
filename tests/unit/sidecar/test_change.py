"""One optimistic write for everybody."""

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

from switchboard.contracts.errors import Conflict, NotFound
from switchboard.sidecar import keys
from switchboard.sidecar.change import DELETE, change
from switchboard.sidecar.inmemory import InMemoryStateStore
from switchboard.sidecar.ports import StateItem, StateKey

KEY = keys.feedback_index("aurora")


class Count(BaseModel):
    n: int = 0


def counted(value: Any) -> dict[str, int]:
    return {"n": (value or {"n": 0})["n"] + 1}


async def test_what_is_not_there_is_created_and_what_is_there_is_replaced() -> None:
    store = InMemoryStateStore()
    assert await change(store, KEY, counted) == {"n": 1}
    assert await change(store, KEY, counted) == {"n": 2}


async def test_nobodys_change_is_lost_when_many_write_at_once() -> None:
    store = InMemoryStateStore()
    await asyncio.gather(*(change(store, KEY, counted, attempts_max=100) for _ in range(30)))
    item = await store.get(KEY)
    assert item is not None and item.value == {"n": 30}


async def test_an_equal_value_and_none_are_not_written() -> None:
    store = InMemoryStateStore()
    await change(store, KEY, counted)
    before = await store.get(KEY)
    assert await change(store, KEY, lambda value: value) == {"n": 1}
    assert await change(store, KEY, lambda value: None) == {"n": 1}
    assert await store.get(KEY) == before


async def test_a_race_that_is_lost_too_often_is_a_conflict() -> None:
    class Taken(InMemoryStateStore):
        async def create(self, key: Any, value: Any, *, ttl_s: int | None = None) -> None:
            raise Conflict

    with pytest.raises(Conflict):
        await change(Taken(), KEY, counted, attempts_max=3)


async def test_what_the_change_raises_ends_it() -> None:
    def gone(value: Any) -> Any:
        raise NotFound("There is nothing.")

    with pytest.raises(NotFound):
        await change(InMemoryStateStore(), KEY, gone)


async def test_a_value_may_be_a_model_and_the_change_a_coroutine() -> None:
    store = InMemoryStateStore()

    async def counted_one(count: Count | None) -> Count:
        return Count(n=(count or Count()).n + 1)

    assert await change(store, KEY, counted_one, Count) == Count(n=1)
    assert await change(store, KEY, counted_one, Count) == Count(n=2)
    item = await store.get(KEY)
    assert item is not None and item.value == {"n": 2}


async def test_a_change_may_delete_the_version_that_it_saw() -> None:
    store = InMemoryStateStore()
    assert await change(store, KEY, lambda value: DELETE) is None
    await change(store, KEY, counted)
    seen: list[Any] = []

    async def gone_after_a_race(value: Any) -> Any:
        if not seen:
            await store.put(KEY, {"n": 5})
        seen.append(value)
        return DELETE

    assert await change(store, KEY, gone_after_a_race) is None
    assert seen == [{"n": 1}, {"n": 5}]
    assert await store.get(KEY) is None


async def test_what_was_read_already_is_not_read_again_before_a_race_is_lost() -> None:
    class Counting(InMemoryStateStore):
        reads = 0

        async def get(self, key: StateKey) -> StateItem | None:
            self.reads += 1
            return await super().get(key)

    store = Counting()
    await store.create(KEY, {"n": 1})
    known = await store.get(KEY)
    assert await change(store, KEY, counted, known=known) == {"n": 2}
    assert store.reads == 1
    assert await change(store, KEY, counted, known=known) == {"n": 3}, "what is known is old: it is read"
    assert store.reads == 2
