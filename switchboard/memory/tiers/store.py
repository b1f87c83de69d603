"""Where records are: hot, warm or cold. Reads go down the tiers; writes are hot; moves copy first and delete last.

Records move down in the order in which they are read, and are copied before they are deleted, so a reader never
misses one that is on its way. The hot copy of a record, where there is one, is the truth: a copy below it is older.

What this module knows of a conversation's record: `turn_count` and `owner`; of a turn's: `status` and `lease_until`.
"""

import asyncio
import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from switchboard.contracts.errors import Conflict
from switchboard.memory.tiers.cold import ColdTier
from switchboard.sidecar import keys
from switchboard.sidecar.change import DELETE, Changed, change
from switchboard.sidecar.ports import StateItem, StateKey, StateStore

BATCH_KEYS = 100
PARALLEL_WRITES = 16

Tier = Literal["hot", "warm", "cold"]
LowerTier = Literal["warm", "cold"]
Moved = Literal["moved", "used", "busy", "gone"]
"""`used`: somebody wrote to it meanwhile; `busy`: a turn of it is running; `gone`: it is not in the tier above."""
MOVED_KEY = "moved"
"""In the hot store, in place of a user's memory that is further down: a turn need not look for what is nowhere."""
ERASED_KEY, ERASED_S = "erased", 3600
"""In the hot store, for an hour in place of a conversation that was deleted: whoever was just moving it, or writing to
it, finds that it is to be gone. It reads as if nothing were there."""


@dataclass(frozen=True, slots=True)
class Found:
    value: Any
    tier: Tier


class TieredStore:
    """May be called concurrently; moves by one replica at a time. Raises what the ports raise.

    Without `warm` or `cold` there is no such tier. Of the warm store only `get`, `get_many`, `put` and `delete` are
    used: SQLite's has no way to write only where nothing is, as `create` does.
    """

    def __init__(self, hot: StateStore, warm: StateStore | None = None, cold: ColdTier | None = None) -> None:
        self._hot, self._warm, self._cold = hot, warm, cold

    @property
    def below(self) -> list[LowerTier]:
        """The tiers that there are under the hot one, in their order."""
        tiers: tuple[tuple[LowerTier, object], ...] = (("warm", self._warm), ("cold", self._cold))
        return [tier for tier, store in tiers if store is not None]

    async def find(self, key: StateKey) -> Found | None:
        """The record of `key`, wherever it is."""
        item = await self._hot.get(key)
        if item is not None:
            return None if is_erased(item) else Found(item.value, "hot")
        return await self.find_below(key)

    async def find_below(self, key: StateKey) -> Found | None:
        """As `find`, where the hot store is known not to have it."""
        if self._warm is not None and (item := await self._warm.get(key)) is not None:
            return Found(item.value, "warm")
        if self._cold is not None and (value := await self._cold.record(key)) is not None:
            return Found(value, "cold")
        return None

    async def raised(self, key: StateKey) -> StateItem | None:
        """The record of `key` in the hot store, brought there from where it is; None where it is nowhere."""
        item = await self._hot.get(key)
        if item is not None:
            return None if is_erased(item) else item
        found = await self.find_below(key)
        return await self._raise(key, found.value if found is not None else None)

    async def raised_turn(self, tenant: str, conversation_id: str, n: int) -> StateItem | None:
        """As `raised`, for a turn."""
        key = keys.turn(tenant, conversation_id, n)
        item = await self._hot.get(key)
        return item or await self._raise(key, (await self.turns(tenant, conversation_id, [n]))[0])

    async def _raise(self, key: StateKey, value: Any | None) -> StateItem | None:
        if value is None:
            return None
        with contextlib.suppress(Conflict):  # somebody else brought it
            await self._hot.create(key, value)
        return await self._hot.get(key)

    async def turns(self, tenant: str, conversation_id: str, numbers: Sequence[int]) -> list[Any | None]:
        """The turns `numbers` (at most 100) of a conversation in their order, wherever each is."""
        wanted = [keys.turn(tenant, conversation_id, n) for n in numbers]
        found: dict[int, Any] = {}
        for store in (self._hot, self._warm):
            missing = [(n, key) for n, key in zip(numbers, wanted, strict=True) if n not in found]
            if store is not None and missing:
                items = await store.get_many([key for _, key in missing])
                found |= {n: item.value for (n, _), item in zip(missing, items, strict=True) if item is not None}
        missing_numbers = [n for n in numbers if n not in found]
        if self._cold is not None and missing_numbers:
            found |= await self._cold.turns(tenant, conversation_id, missing_numbers)
        return [found.get(n) for n in numbers]

    # -- moving down

    async def move_conversation(self, tenant: str, conversation_id: str, to: LowerTier) -> Moved:
        """Moves a conversation one tier down (to `cold` from warm, or from hot where there is no warm tier).

        What a crash left half-moved is finished by moving it again.
        """
        source = self._hot if to == "warm" or self._warm is None else self._warm
        key, memory = keys.conversation(tenant, conversation_id), keys.conversation_memory(tenant, conversation_id)
        item = await source.get(key)
        if is_erased(item):
            return "gone"
        if item is None:
            below = await self.find_below(key)
            if below is not None:  # its record went, and perhaps not all that belongs to it
                if await self.find_below(memory) is not None:
                    await source.delete(memory)
                await self._delete_turns(source, tenant, conversation_id, int(below.value["turn_count"]))
            return "gone"
        turn_count = int(item.value["turn_count"])
        for first in range(1, turn_count + 1, BATCH_KEYS):
            numbers = range(first, min(first + BATCH_KEYS, turn_count + 1))
            items = await source.get_many([keys.turn(tenant, conversation_id, n) for n in numbers])
            turns = {n: each.value for n, each in zip(numbers, items, strict=True) if each is not None}
            if any(_is_running(turn) for turn in turns.values()):
                return "busy"
            await self._keep_turns(to, tenant, conversation_id, turns)
        remembered = await source.get(memory)
        if remembered is not None:  # before the conversation's own record: whoever reads that below finds this, too
            await self._keep(to, memory, remembered.value)
        await self._keep(to, key, item.value)
        try:
            await source.delete(key, etag=item.etag)
        except Conflict:
            await self._erase_again(tenant, conversation_id, turn_count)
            return "used"
        await self._move_memory(source, to, memory)
        await self._delete_turns(source, tenant, conversation_id, turn_count)
        await self._erase_again(tenant, conversation_id, turn_count)
        return "moved"

    async def _move_memory(self, source: StateStore, to: LowerTier, key: StateKey) -> None:
        """Deletes it above; where it was changed since it was copied (it may have been emptied), copies it again."""

        async def copied(value: Any | None) -> Changed[Any]:
            if value is None:
                return None
            await self._keep(to, key, value)
            return DELETE

        await change(source, key, copied)

    async def _erase_again(self, tenant: str, conversation_id: str, turn_count: int) -> None:
        """Where the conversation was deleted while it was moved, what the move has written goes, too."""
        if is_erased(await self._hot.get(keys.conversation(tenant, conversation_id))):
            await self.erase_conversation(tenant, conversation_id, turn_count)

    async def move_record(self, key: StateKey, to: LowerTier) -> Moved:
        """Moves one record down; the hot store keeps a note that it is further down."""
        item = await self._hot.get(key)
        if item is None:
            return "gone"
        if MOVED_KEY in item.value:
            if to == "warm" or self._warm is None:
                return "gone"
            found = await self._warm.get(key)
            if found is None:
                return "gone"
            await self._keep("cold", key, found.value)
            await self._warm.delete(key)
            item = await self._hot.get(key)
            if item is None or MOVED_KEY not in item.value:  # written anew, or forgotten, meanwhile
                await self.erase_record(key, but_hot=True)
                return "used"
            return "moved"
        await self._keep(to, key, item.value)
        try:
            await self._hot.replace(key, {MOVED_KEY: True}, etag=item.etag)
        except Conflict:
            await self.erase_record(key, but_hot=True)  # what is hot is newer, and perhaps nothing
            return "used"
        return "moved"

    # -- forgetting

    async def erase_conversation(
        self, tenant: str, conversation_id: str, turn_count: int, *, held: Collection[int] = ()
    ) -> None:
        """Deletes a conversation, its memory and its turns in every tier; for an hour its name says that it is erased.

        So do those of the turns `held`: somebody may still write over the version of them that they know, and where
        nothing is any more a store lets them. Written over and not deleted first, their versions go on.
        """
        for n in held:
            await self._hot.put(keys.turn(tenant, conversation_id, n), {ERASED_KEY: True}, ttl_s=ERASED_S)
        key = keys.conversation(tenant, conversation_id)
        await self._hot.put(key, {ERASED_KEY: True}, ttl_s=ERASED_S)
        await self.erase_record(key, but_hot=True)
        await self.erase_record(keys.conversation_memory(tenant, conversation_id))
        await self._delete_turns(self._hot, tenant, conversation_id, turn_count, but=held)
        if self._warm is not None:
            await self._delete_turns(self._warm, tenant, conversation_id, turn_count)
        if self._cold is not None:
            await self._cold.erase_turns(tenant, conversation_id, turn_count)

    async def erase_record(self, key: StateKey, *, but_hot: bool = False) -> None:
        """Deletes a record in every tier. From below upwards: a reader never finds an old copy after a new one."""
        if self._cold is not None:
            await self._cold.erase_record(key)
        if self._warm is not None:
            await self._warm.delete(key)
        if not but_hot:
            await self._hot.delete(key)

    async def _keep(self, to: LowerTier, key: StateKey, value: Any) -> None:
        if to == "warm":
            assert self._warm is not None
            await self._warm.put(key, value)
        else:
            assert self._cold is not None
            await self._cold.keep_record(key, value)

    async def _keep_turns(self, to: LowerTier, tenant: str, conversation_id: str, turns: dict[int, Any]) -> None:
        if to == "cold":
            assert self._cold is not None
            await self._cold.keep_turns(tenant, conversation_id, turns)
            return
        assert self._warm is not None
        every = list(turns.items())
        for start in range(0, len(every), PARALLEL_WRITES):
            part = every[start : start + PARALLEL_WRITES]
            await asyncio.gather(*(self._warm.put(keys.turn(tenant, conversation_id, n), value) for n, value in part))

    async def _delete_turns(
        self, store: StateStore, tenant: str, conversation_id: str, turn_count: int, *, but: Collection[int] = ()
    ) -> None:
        for first in range(1, turn_count + 1, BATCH_KEYS):
            numbers = range(first, min(first + BATCH_KEYS, turn_count + 1))
            wanted = [keys.turn(tenant, conversation_id, n) for n in numbers if n not in but]
            there = [key for key, item in zip(wanted, await store.get_many(wanted), strict=True) if item is not None]
            for start in range(0, len(there), PARALLEL_WRITES):
                await asyncio.gather(*(store.delete(key) for key in there[start : start + PARALLEL_WRITES]))


def is_erased(item: StateItem | None) -> bool:
    """Whether a hot record says that what stood there was deleted."""
    value: object = None if item is None else item.value
    return isinstance(value, dict) and ERASED_KEY in value


def _is_running(turn: Any) -> bool:
    return turn["status"] == "running" and datetime.fromisoformat(turn["lease_until"]) > datetime.now(UTC)
