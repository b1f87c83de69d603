"""What a user may do with what is remembered of them: read it, agree to it, have it forgotten in every tier and index."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from services.supervisor.turns.conversations import Conversations
from services.supervisor.turns.records import Conversation, now
from switchboard.contracts.errors import Conflict, NotFound, Unavailable
from switchboard.contracts.turns import Entity, Principal
from switchboard.memory.conversation_memory import ConversationMemory
from switchboard.memory.tiers.index import ConversationIndex, Entry
from switchboard.memory.tiers.store import MOVED_KEY, TieredStore
from switchboard.memory.user_memory import PastConversation, UserMemory
from switchboard.sidecar import keys
from switchboard.sidecar.change import change
from switchboard.sidecar.lease import Lease
from switchboard.sidecar.ports import StateStore

CONVERSATIONS_AT_ONCE = 8
LEASE_WAIT_S = 10.0
FORGOTTEN_S = 3600
"""For so long it is written down that there is nothing, lest a turn under way writes what it still knows."""

Thing = TypeVar("Thing")
Done = TypeVar("Done")

logger = logging.getLogger(__name__)


class ConsentRequest(BaseModel):
    """Body of `PUT /v1/memory/consent`."""

    model_config = ConfigDict(extra="forbid")

    consent: bool


class MemoryView(BaseModel):
    """What is remembered of you. Without consent it is nothing."""

    consent: bool
    consented_at: datetime | None
    preferences: list[str]
    entities: list[Entity]
    conversations: list[PastConversation]
    updated_at: datetime | None

    @classmethod
    def of(cls, memory: UserMemory) -> "MemoryView":
        return cls(**memory.model_dump(include=set(cls.model_fields)))


class Forgotten(BaseModel):
    """What `DELETE /v1/memory` did."""

    conversations: int
    """Of so many conversations the summary and the things named were deleted."""
    transcripts: bool
    """Whether the conversations themselves were deleted, too."""
    pending: bool = False
    """Not all of it could be done at once: the rest is written down, and is done without you."""


class MemoryPrivacy:
    """May be called concurrently. Raises what the state port raises."""

    def __init__(
        self,
        state: StateStore,
        tiers: TieredStore,
        index: ConversationIndex,
        lease: Lease,
        conversations: Conversations,
        hot_s: float,
    ) -> None:
        self._state = state
        self._tiers = tiers
        self._index = index
        self._lease = lease
        self._conversations = conversations
        self._hot_s = hot_s

    async def read(self, principal: Principal) -> UserMemory:
        """From whatever tier it is in; an empty one, without consent, where there is none."""
        item = await self._state.get(keys.user_memory(principal.tenant, principal.user))
        return await self._memory_of(principal, item.value if item is not None else None)

    async def consent(self, principal: Principal, agreed: bool) -> UserMemory:
        """Turns remembering on, or off: off also forgets what was remembered. Raises `Conflict`."""
        if not agreed:
            await self.forget(principal)
            return UserMemory()
        memory = UserMemory(consent=True, consented_at=now())

        async def agreed_to(value: Any | None) -> Any | None:
            nonlocal memory
            before = await self._memory_of(principal, value)
            if before.consent:
                memory = before
                return None
            await self._index.opened(Entry(tenant=principal.tenant, user=principal.user), "again")
            return memory.model_dump(mode="json")

        try:
            await change(self._state, keys.user_memory(principal.tenant, principal.user), agreed_to)
        except Conflict as error:
            raise Conflict("Your settings changed meanwhile. Please try again.") from error
        return memory

    async def forget(
        self, principal: Principal, *, delete: Callable[[Sequence[str]], Awaitable[int]] | None = None
    ) -> Forgotten:
        """Deletes what is remembered of the user, in every tier and index; `delete` deletes their conversations too, and
        says how many it were.

        A turn that is being answered keeps its own words. Raises `Unavailable` while the index is being worked on; it
        may be tried again.
        """
        key = keys.user_memory(principal.tenant, principal.user)
        # First what turns read, and in a way that a turn under way cannot write over.
        await self._state.put(key, UserMemory().model_dump(mode="json"), ttl_s=FORGOTTEN_S)
        await self._tiers.erase_record(key, but_hot=True)
        ids = await self._conversation_ids(principal)
        if delete is not None:
            return Forgotten(conversations=await delete(ids), transcripts=True)
        done = await each_there(ids, lambda each: self._forget_conversation(principal, each))
        return Forgotten(conversations=len(done), transcripts=False)

    async def _forget_conversation(self, principal: Principal, conversation_id: str) -> None:
        """Leaves a record that says only how far the conversation is never to be folded again."""
        key = keys.conversation_memory(principal.tenant, conversation_id)
        conversation: Conversation = await self._conversations.conversation(principal, conversation_id)
        found = await self._tiers.find(key)
        if found is None and conversation.turn_count <= len(conversation.tail) // 2:
            return  # nothing of it has left the tail yet
        nothing = ConversationMemory().forgotten(conversation.turn_count).model_dump(mode="json")
        await self._state.put(key, nothing)
        await self._tiers.erase_record(key, but_hot=True)
        if await self._tiers.find(key) is None:  # moved down just now, and deleted there
            await self._state.put(key, nothing)

    async def _conversation_ids(self, principal: Principal) -> list[str]:
        """All of the user's conversations: what the logs still hold is taken in first. Raises `Unavailable`."""
        deadline = asyncio.get_running_loop().time() + LEASE_WAIT_S
        while not await self._lease.take():
            if asyncio.get_running_loop().time() > deadline:
                raise Unavailable("Conversations are being tidied up just now. Please try again shortly.")
            await asyncio.sleep(0.2)
        try:
            await self._index.take_in(self._hot_s)
        finally:
            await self._lease.give_back()
        return await self._index.conversations_of(principal.tenant, principal.user)

    async def _memory_of(self, principal: Principal, value: dict[str, Any] | None) -> UserMemory:
        """The memory that the hot record stands for."""
        if value is not None and MOVED_KEY in value:
            found = await self._tiers.find_below(keys.user_memory(principal.tenant, principal.user))
            value = found.value if found is not None else None
        return UserMemory.model_validate(value or {})


async def each_there(things: Sequence[Thing], work: Callable[[Thing], Awaitable[Done]]) -> list[Done]:
    """What `work` makes of each, some at a time; what is not there any more is left out."""
    limit = asyncio.Semaphore(CONVERSATIONS_AT_ONCE)

    async def one(thing: Thing) -> list[Done]:
        async with limit:
            try:
                return [await work(thing)]
            except NotFound:
                return []

    return [done for each in await asyncio.gather(*(one(thing) for thing in things)) for done in each]
