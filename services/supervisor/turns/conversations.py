"""The store of conversations and turns, over the state port. Every write is ETag-checked."""

import asyncio
import random
import secrets
from dataclasses import dataclass
from typing import Any

from services.supervisor.desk.handover import Handover
from services.supervisor.feedback.rating_index import RatingIndex
from services.supervisor.turns.records import Conversation, Turn, now, turn_id_of
from switchboard.contracts.errors import Conflict, NotFound, Unavailable
from switchboard.contracts.turns import ConversationId, Principal, Remembered
from switchboard.memory.conversation_memory import ConversationMemory
from switchboard.memory.tiers.index import ConversationIndex, Entry
from switchboard.memory.tiers.store import MOVED_KEY, TieredStore, is_erased
from switchboard.memory.user_memory import UserMemory
from switchboard.sidecar import keys
from switchboard.sidecar.ports import StateItem, StateKey, StateStore

ACCEPT_ATTEMPTS_MAX = 3
FINISH_ATTEMPTS_MAX = 6
JITTER_S_MAX = 0.02
IDEMPOTENCY_S_MAX = 24 * 3600
PAGE_TURNS_MAX = 100
RUNNING_LOOKED_AT = 20
"""Of a conversation's last turns, before it is deleted."""
UNKNOWN_CONVERSATION = "There is no such conversation. Leave out conversation_id to start a new one."
UNKNOWN_TURN = "There is no such turn."


@dataclass(frozen=True, slots=True)
class Stored:
    """A conversation's and a turn's records as the store has them, read while the specialist works."""

    conversation: StateItem
    turn: StateItem


@dataclass(frozen=True, slots=True)
class Claim:
    """Which turn an idempotency key stands for, and the digest of the request it came with."""

    turn_id: str
    digest: str


class Conversations:
    """May be called concurrently. Raises `NotFound`, `Conflict` and what the state port raises."""

    def __init__(
        self,
        state: StateStore,
        tiers: TieredStore | None = None,
        shelf: ConversationIndex | None = None,
        ratings: RatingIndex | None = None,
    ) -> None:
        """`tiers` under the state store, the index that finds what is to be moved there, and that of ratings."""
        self._state = state
        self._ratings = ratings or RatingIndex(state)
        self._tiers = tiers or TieredStore(state)
        self._shelf = shelf

    async def next_turn(self, principal: Principal, conversation_id: ConversationId | None) -> Conversation:
        """Counts one turn more; its number is the `turn_count` of what returns. Creates a conversation for None.

        Raises `NotFound` also for a conversation of somebody else: a stranger must not learn that it exists.
        """
        if conversation_id is None:
            return await self._create(principal)
        for attempt in range(ACCEPT_ATTEMPTS_MAX):
            item, conversation = await self._opened(principal, conversation_id)
            conversation.turn_count += 1
            conversation.updated_at = now()
            try:
                await self._state.replace(_key(conversation), conversation.model_dump(mode="json"), etag=item.etag)
                return conversation
            except Conflict:
                await asyncio.sleep(random.random() * JITTER_S_MAX * (attempt + 1))
        raise Conflict

    async def conversation(self, principal: Principal, conversation_id: ConversationId) -> Conversation:
        """From whatever tier it is in. Raises `NotFound`, for somebody else's conversation too."""
        found = await self._tiers.find(keys.conversation(principal.tenant, conversation_id))
        return _owned(found.value if found is not None else None, principal)

    async def delete(self, principal: Principal, conversation_id: ConversationId) -> None:
        """Deletes it with all its turns, in every tier. Raises `NotFound`, and `Conflict` while a turn runs."""
        conversation = await self.conversation(principal, conversation_id)
        last = await self.page(conversation, max(0, conversation.turn_count - RUNNING_LOOKED_AT), RUNNING_LOOKED_AT)
        if any(turn.status == "running" for turn in last):
            raise Conflict("A message of this conversation is being answered. Please try again when it is.")
        await self._tiers.erase_conversation(principal.tenant, conversation_id, conversation.turn_count)
        await self._ratings.forget(principal.tenant, conversation_id)
        if self._shelf is not None:
            await self._shelf.disown(principal.tenant, principal.user, [conversation_id])

    async def hand_over(self, principal: Principal, conversation_id: str, handover: Handover | None) -> Conversation:
        """Gives a conversation of the principal's tenant to a person, or with None back to the agents.

        What returns is the conversation as it was before. Who it belongs to is the caller's to check.
        Raises `NotFound`, `Conflict`.
        """
        for attempt in range(ACCEPT_ATTEMPTS_MAX):
            item = await self._state.get(keys.conversation(principal.tenant, conversation_id))
            if item is None or is_erased(item):
                raise NotFound(UNKNOWN_CONVERSATION)
            before = Conversation.model_validate(item.value)
            if (before.handover is None) == (handover is None):
                return before
            after = before.model_copy(update={"handover": handover, "refusals": 0, "updated_at": now()})
            try:
                await self._state.replace(_key(after), after.model_dump(mode="json"), etag=item.etag)
                return before
            except Conflict:
                await asyncio.sleep(random.random() * JITTER_S_MAX * (attempt + 1))
        raise Conflict

    async def of_tenant(self, principal: Principal, conversation_id: str) -> Conversation:
        """A conversation of the principal's tenant, whoever's it is: for operators. Raises `NotFound`."""
        item = await self._state.get(keys.conversation(principal.tenant, conversation_id))
        if item is None:
            raise NotFound(UNKNOWN_CONVERSATION)
        return Conversation.model_validate(item.value)

    async def claim(self, principal: Principal, key: str, claim: Claim) -> Claim:
        """Makes `key` stand for the turn, or returns the claim that stood before (first write wins)."""
        value = {"turn_id": claim.turn_id, "digest": claim.digest}
        try:
            await self._state.create(
                keys.idempotency(principal.tenant, principal.user, key), value, ttl_s=IDEMPOTENCY_S_MAX
            )
            return claim
        except Conflict:
            earlier = await self.claim_of(principal, key)
            if earlier is None:
                raise
            return earlier

    async def claim_of(self, principal: Principal, key: str) -> Claim | None:
        item = await self._state.get(keys.idempotency(principal.tenant, principal.user, key))
        return Claim(item.value["turn_id"], item.value["digest"]) if item else None

    async def record(self, turn: Turn) -> None:
        """Writes a turn that was accepted. Raises `Conflict` where one of that number is there."""
        await self._state.create(_turn_key(turn), turn.model_dump(mode="json"))

    async def stored(self, turn: Turn) -> Stored:
        """What `finish` will write over. Raises `Unavailable` when it is gone."""
        conversation, record = await self._state.get_many(
            [keys.conversation(turn.tenant, turn.conversation_id), _turn_key(turn)]
        )
        if conversation is None or record is None:
            raise Unavailable
        return Stored(conversation, record)

    async def finish(self, turn: Turn, stored: Stored) -> None:
        """Writes how the turn ended, and adds an answered one to the conversation's tail."""
        if turn.status == "completed":
            await asyncio.gather(self._finish_turn(turn, stored.turn), self.remember(turn, stored.conversation))
        else:
            await self._finish_turn(turn, stored.turn)

    async def remember(self, turn: Turn, item: StateItem | None = None) -> None:
        """Adds an answered turn to its conversation's tail; once, however often it is called."""
        key = keys.conversation(turn.tenant, turn.conversation_id)
        for attempt in range(FINISH_ATTEMPTS_MAX):
            item = item or await self._state.get(key)
            if item is None:
                raise NotFound(UNKNOWN_CONVERSATION)
            before = Conversation.model_validate(item.value)
            after = before.with_turn(turn)
            if after is before:
                return
            try:
                await self._state.replace(key, after.model_dump(mode="json"), etag=item.etag)
                return
            except Conflict:
                item = None
                await asyncio.sleep(random.random() * JITTER_S_MAX * (attempt + 1))
        raise Conflict

    async def turn(self, principal: Principal, turn_id: str) -> Turn:
        """Raises `NotFound`, for somebody else's turn too."""
        name = _turn_name(turn_id)
        value = (await self._tiers.turns(principal.tenant, name[0], [name[1]]))[0] if name is not None else None
        turn = Turn.model_validate(value) if value is not None else None
        if turn is None or turn.user != principal.user:
            raise NotFound(UNKNOWN_TURN)
        return turn.as_read()

    async def turn_item(self, tenant: str, turn_id: str) -> StateItem | None:
        """The turn's record in the hot tier, to be written over; brought there from where it is."""
        name = _turn_name(turn_id)
        return await self._tiers.raised_turn(tenant, *name) if name is not None else None

    async def replace_turn(self, turn: Turn, etag: str) -> None:
        """Raises `Conflict` when the turn was changed meanwhile."""
        await self._state.replace(_turn_key(turn), turn.model_dump(mode="json"), etag=etag)

    async def page(self, conversation: Conversation, after: int, limit: int) -> list[Turn]:
        """Turns `after` + 1 and on, at most `limit` (and 100) of them, as they may be seen now; from whatever tier."""
        last = min(conversation.turn_count, after + min(limit, PAGE_TURNS_MAX))
        numbers = range(after + 1, last + 1)
        values = await self._tiers.turns(conversation.tenant, conversation.conversation_id, numbers)
        return [Turn.model_validate(value).as_read() for value in values if value is not None]

    async def _create(self, principal: Principal) -> Conversation:
        at = now()
        conversation = Conversation(
            conversation_id=secrets.token_urlsafe(12),
            tenant=principal.tenant,
            owner=principal.user,
            turn_count=1,
            created_at=at,
            updated_at=at,
        )
        written = [(_key(conversation), conversation.model_dump(mode="json"))]
        if self._shelf is not None:  # in the index with it: what is in none could neither be moved nor forgotten
            written.append(await self._shelf.note(_entry(conversation)))
        known, _ = await asyncio.gather(
            self._state.get(keys.user_memory(principal.tenant, principal.user)), self._state.create_all(written)
        )
        conversation.remembered = await self._remembered(principal, None, known)
        return conversation

    async def _opened(self, principal: Principal, conversation_id: str) -> tuple[StateItem, Conversation]:
        """The conversation in the hot tier, with what is remembered: one read, whatever its length."""
        key, recall = (
            kind(principal.tenant, conversation_id) for kind in (keys.conversation, keys.conversation_memory)
        )
        user = keys.user_memory(principal.tenant, principal.user)
        item, remembered, known = await self._state.get_many([key, recall, user])
        if is_erased(item):
            raise NotFound(UNKNOWN_CONVERSATION)
        if item is None:
            found = await self._tiers.find_below(key)
            # In the index before it is hot: what is hot and in no index would never move down again.
            below = _owned(found.value if found is not None else None, principal)
            if self._shelf is not None:
                await self._shelf.opened(_entry(below), "again")
            item, remembered = await self._tiers.raised(key), await self._tiers.raised(recall)
        conversation = _owned(item.value if item is not None else None, principal)
        assert item is not None
        conversation.remembered = await self._remembered(principal, remembered, known, conversation_id)
        return item, conversation

    async def _remembered(
        self,
        principal: Principal,
        recall: StateItem | None,
        known: StateItem | None,
        conversation_id: str | None = None,
    ) -> Remembered | None:
        told = ConversationMemory.model_validate(recall.value).remembered() if recall is not None else None
        value = known.value if known is not None else {}
        if MOVED_KEY in value:
            found = await self._tiers.find_below(keys.user_memory(principal.tenant, principal.user))
            value = found.value if found is not None else {}
        return UserMemory.model_validate(value).added_to(told, conversation_id) if value else told

    async def _finish_turn(self, turn: Turn, item: StateItem) -> None:
        try:
            await self.replace_turn(turn, item.etag)
        except Conflict:
            # Nobody else writes an interactive turn; a write of ours whose answer was lost looks like this.
            latest = await self.turn_item(turn.tenant, turn_id_of(turn.conversation_id, turn.n))
            if latest is None:
                raise
            if Turn.model_validate(latest.value).status == "running":
                await self.replace_turn(turn, latest.etag)


def _owned(value: Any, principal: Principal) -> Conversation:
    """The conversation that a record's `value` is. Raises `NotFound` for none and for somebody else's."""
    conversation = Conversation.model_validate(value) if value is not None else None
    if conversation is None or conversation.owner != principal.user:
        raise NotFound(UNKNOWN_CONVERSATION)
    return conversation


def _entry(conversation: Conversation) -> Entry:
    return Entry(tenant=conversation.tenant, user=conversation.owner, conversation_id=conversation.conversation_id)


def _turn_name(turn_id: str) -> tuple[str, int] | None:
    """Conversation and number of a turn; None for what is no turn's id."""
    conversation_id, _, number = turn_id.rpartition(".")
    if not conversation_id or not number.isascii() or not number.isdigit() or len(number) > 9:
        return None
    return conversation_id, int(number)


def _key(conversation: Conversation) -> StateKey:
    return keys.conversation(conversation.tenant, conversation.conversation_id)


def _turn_key(turn: Turn) -> StateKey:
    return keys.turn(turn.tenant, turn.conversation_id, turn.n)
