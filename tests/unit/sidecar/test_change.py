"""One optimistic write for everybody."""

import asyncio
from typing import Any

import pytest

from switchboard.contracts.errors import Conflict, NotFound
from switchboard.sidecar import keys
from switchboard.sidecar.change import change
from switchboard.sidecar.inmemory import InMemoryStateStore

KEY = keys.feedback_index("aurora")


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
