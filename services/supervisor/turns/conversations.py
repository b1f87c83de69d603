"""The store of conversations and turns, over the state port. Every write is ETag-checked."""

import asyncio
import math
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.supervisor.feedback.rating_index import RatingIndex
from services.supervisor.feedback.review import Reviews
from services.supervisor.turns.records import Conversation, Handover, Running, Turn, now, turn_id_of
from services.supervisor.turns.replicas.in_hand import InHand, Slot
from switchboard.contracts.errors import Conflict, NotFound, TurnRunning, Unavailable
from switchboard.contracts.turns import ConversationId, Principal, Remembered
from switchboard.memory.conversation_memory import ConversationMemory
from switchboard.memory.tiers.index import ConversationIndex, Entry
from switchboard.memory.tiers.store import ERASED_KEY, ERASED_S, MOVED_KEY, TieredStore, is_erased
from switchboard.memory.user_memory import UserMemory
from switchboard.sidecar import keys
from switchboard.sidecar.change import change
from switchboard.sidecar.ports import KEYS_MAX, StateItem, StateKey, StateStore
from switchboard.sidecar.published import NothingKept, PublishedEvents

PAGE_TURNS_MAX = 100
RUNNING_LOOKED_AT = 20
"""Of a conversation's last turns, before it is deleted."""
UNRECORDED_S = 10.0
"""A turn that was counted so long ago and has no record was never accepted: its process died in between."""
JOB_ALONE_S = 60.0
"""So long a job has its conversation for itself, as a message has that is answered at once; it may run for ten minutes."""
UNKNOWN_CONVERSATION = "There is no such conversation. Leave out conversation_id to start a new one."
UNKNOWN_TURN = "There is no such turn."


@dataclass(frozen=True, slots=True)
class Stored:
    """A conversation's and a turn's records as the store has them: what the end of the turn writes over."""

    conversation: StateItem
    turn: StateItem


class TurnLost(Exception):
    """Another replica has the turn, or has ended it: whoever had it before stops, and says nothing."""


class Conversations:
    """May be called concurrently. Raises `NotFound`, `Conflict` and what the state port raises."""

    def __init__(
        self,
        state: StateStore,
        tiers: TieredStore | None = None,
        index: ConversationIndex | None = None,
        ratings: RatingIndex | None = None,
        reviews: Reviews | None = None,
        published: PublishedEvents | None = None,
    ) -> None:
        """`tiers` under the state store, the index that finds what is to be moved there, that of ratings; `published` events."""
        self._state = state
        self._published = published or NothingKept()
        self._ratings = ratings or RatingIndex(state)
        self._reviews = reviews or Reviews(state)
        self._tiers = tiers or TieredStore(state)
        self._index = index

    # -- accepting a turn

    async def create(
        self, conversation: Conversation, turn: Turn, principal: Principal, slot: Slot | None = None
    ) -> None:
        """Writes a new conversation with its first turn, and reads what is remembered of its user."""
        put = [slot.record(turn.tenant, turn.conversation_id, turn.n)] if slot is not None else []
        written = [(_key(conversation), conversation.model_dump(mode="json")), (_turn_key(turn), _json(turn))]
        if self._index is not None:  # in the index with it: what is in none could neither be moved nor forgotten
            written.append(await self._index.note(_entry(conversation)))
        known, _ = await asyncio.gather(
            self._state.get(keys.user_memory(principal.tenant, principal.user)),
            self._state.create_all(written, put=put),
        )
        conversation.remembered = await self._remembered(principal, None, known)

    async def next_turn(
        self, principal: Principal, conversation_id: ConversationId, slot: Slot | None = None
    ) -> Conversation:
        """Counts one turn more, and says that it runs; its number is the `turn_count` of what returns.

        Raises `TurnRunning` while the turn before it does, and `NotFound` also for a conversation of somebody else:
        a stranger must not learn that it exists.
        """
        item, remembered = await self._opened(principal, conversation_id)
        counted = await self._counted(principal, item.value)
        key = keys.conversation(principal.tenant, conversation_id)
        put = [slot.record(counted.tenant, conversation_id, counted.turn_count)] if slot is not None else []
        try:
            await self._state.replace_all([(key, counted.model_dump(mode="json"), item.etag)], put=put)
        except Conflict:

            async def count(value: Any) -> Any:
                nonlocal counted
                counted = await self._counted(principal, value)
                if slot is not None:
                    await self._state.put(*slot.record(counted.tenant, conversation_id, counted.turn_count))
                return counted.model_dump(mode="json")

            await change(self._state, key, count)
        counted.remembered = remembered
        return counted

    async def _counted(self, principal: Principal, value: Any) -> Conversation:
        """The conversation with one turn more. What the end of the turn before could not write is in it."""
        conversation = _owned(value, principal)
        if conversation.running is not None:
            before = await self._before(conversation, conversation.running)
            conversation = conversation.after(before) if before is not None else conversation
        conversation.turn_count += 1
        conversation.updated_at = now()
        conversation.running = Running(n=conversation.turn_count, since=conversation.updated_at)
        return conversation

    async def _before(self, conversation: Conversation, running: Running) -> Turn | None:
        """The turn that was accepted last, ended; None where it never was, or is a job of which nobody waits for the end.

        Raises `TurnRunning`.
        """
        item = await self._state.get(keys.turn(conversation.tenant, conversation.conversation_id, running.n))
        turn = Turn.model_validate(item.value).as_read() if item is not None else None
        if turn is not None and turn.status != "running":
            return turn
        alone_s = UNRECORDED_S if turn is None else JOB_ALONE_S if not turn.owner else math.inf
        if (now() - running.since).total_seconds() < alone_s:
            raise TurnRunning(turn_id=turn_id_of(conversation.conversation_id, running.n))
        return None

    async def record(self, turn: Turn) -> None:
        """Writes a turn that was accepted. Raises `Conflict` where one of that number is there."""
        await self._state.create(_turn_key(turn), _json(turn))

    # -- ending a turn

    async def stored(self, turn: Turn) -> Stored:
        """What the end of the turn will write over. Raises `NotFound` when the conversation was deleted, `Unavailable` without a record."""
        key = keys.conversation(turn.tenant, turn.conversation_id)
        conversation, record = await self._state.get_many([key, _turn_key(turn)])
        if conversation is None or is_erased(conversation):
            raise NotFound(UNKNOWN_CONVERSATION)
        if record is None:
            raise Unavailable
        return Stored(conversation, record)

    async def end_turn(self, turn: Turn, known: StateItem) -> None:
        """Writes how a turn ended over its record, which is still this owner's and this attempt's. Raises `TurnLost`."""

        def ended(value: Any) -> Any:
            before = _turn_of(value)
            if not before.is_held_as(turn):
                raise TurnLost
            # A write of ours whose answer was lost looks like this; a job that ended is not ended twice.
            return _json(turn) if before.status == "running" or turn.owner else None

        await change(self._state, _turn_key(turn), ended, known=known)

    async def settle(self, turn: Turn, known: StateItem | None = None) -> None:
        """Writes into the conversation that a turn of it ended, an answered one into its tail; once, however often called.

        After `end_turn`, so that nothing of a turn that another replica has is in the tail. What a crash leaves between the
        two is written by the next turn or the sweeper.
        """

        def settled(value: Any) -> Any:
            return _conversation_of(value).after(turn).model_dump(mode="json")

        await change(self._state, keys.conversation(turn.tenant, turn.conversation_id), settled, known=known)

    # -- taking a turn over

    async def take_turn(self, turn: Turn, etag: str, slot: Slot) -> None:
        """Makes a turn this replica's: says first that it is in hand. Raises `Conflict` where somebody was faster."""
        await self._state.put(*slot.record(turn.tenant, turn.conversation_id, turn.n))
        await self.replace_turn(turn, etag)

    async def around(self, principal: Principal, conversation_id: ConversationId) -> Conversation:
        """The conversation as an agent is told of it, for a turn that was accepted before. Raises `NotFound`."""
        item, remembered = await self._opened(principal, conversation_id)
        conversation = _owned(item.value, principal)
        conversation.remembered = remembered
        return conversation

    # -- conversations

    async def conversation(self, principal: Principal, conversation_id: ConversationId) -> Conversation:
        """From whatever tier it is in. Raises `NotFound`, for somebody else's conversation too."""
        found = await self._tiers.find(keys.conversation(principal.tenant, conversation_id))
        return _owned(found.value if found is not None else None, principal)

    async def of_tenant(self, principal: Principal, conversation_id: str) -> Conversation:
        """A conversation of the principal's tenant, whoever's it is: for operators. Raises `NotFound`."""
        item = await self._state.get(keys.conversation(principal.tenant, conversation_id))
        return _conversation_of(item.value if item is not None else None)

    async def hand_over(self, principal: Principal, conversation_id: str, handover: Handover | None) -> Conversation:
        """Gives a conversation of the principal's tenant to a person, or with None back to the agents.

        What returns is the conversation as it was before. Who it belongs to is the caller's to check.
        Raises `NotFound`, `Conflict`.
        """
        before = await self.of_tenant(principal, conversation_id)

        def given(value: Any) -> Any:
            nonlocal before
            before = _conversation_of(value)
            if (before.handover is None) == (handover is None):
                return None
            update = {"handover": handover, "refusals": 0, "updated_at": now()}
            return before.model_copy(update=update).model_dump(mode="json")

        await change(self._state, keys.conversation(principal.tenant, conversation_id), given)
        return before

    async def running(self, principal: Principal, conversation_id: ConversationId) -> list[Turn]:
        """Turns of it that are being answered. Raises `NotFound`, for somebody else's conversation too."""
        conversation = await self.conversation(principal, conversation_id)
        return [turn for turn in await self._last(conversation) if turn.status == "running"]

    async def delete(self, principal: Principal, conversation_id: ConversationId) -> None:
        """Deletes all that is stored of it, in every tier and index; `running` turns are to be cancelled before.

        Raises `NotFound`, `Unavailable`.
        """
        conversation = await self.conversation(principal, conversation_id)
        tenant, turn_count = conversation.tenant, conversation.turn_count
        lately = now() - timedelta(seconds=ERASED_S)
        # A replica that sleeps may have had them once.
        held = [turn.n for turn in await self._last(conversation) if turn.owner and turn.lease_until > lately]
        await self._tiers.erase_conversation(tenant, conversation_id, turn_count, held=held)
        await self._ratings.forget(tenant, conversation_id)
        await self._reviews.forget(tenant, conversation_id)
        if self._index is not None:
            await self._index.disown(tenant, conversation.owner, [conversation_id])

    async def erase_published(self, conversation_ids: Collection[ConversationId]) -> None:
        """Erases what the broker keeps of conversations in which no turn runs: else a job would lose its request.

        It costs the same for one and for many. Raises `Unavailable`.
        """
        await self._published.erase(conversation_ids)

    async def erase_late(self, tenant: str, turn_id: str) -> None:
        """Erases what an agent published of a turn whose conversation was deleted meanwhile. Raises `Unavailable`."""
        name = _turn_name(turn_id)
        item = await self._state.get(keys.conversation(tenant, name[0])) if name is not None else None
        if name is not None and item is not None and is_erased(item):
            await self._published.erase([name[0]])

    async def _last(self, conversation: Conversation) -> list[Turn]:
        return await self.page(conversation, max(0, conversation.turn_count - RUNNING_LOOKED_AT), RUNNING_LOOKED_AT)

    # -- turns

    async def page(self, conversation: Conversation, after: int, limit: int) -> list[Turn]:
        """Turns `after` + 1 and on, at most `limit` (and 100) of them, as they may be seen now; from whatever tier."""
        last = min(conversation.turn_count, after + min(limit, PAGE_TURNS_MAX))
        numbers = range(after + 1, last + 1)
        values = await self._tiers.turns(conversation.tenant, conversation.conversation_id, numbers)
        turns = [
            Turn.model_validate(value).as_read() for value in values if value is not None and ERASED_KEY not in value
        ]
        return [turn for turn in turns if turn.status != "superseded"]

    async def turns_since(self, principal: Principal, conversation_id: ConversationId, since: datetime) -> list[Turn]:
        """Its turns that were accepted after `since`, and some before. Raises `NotFound`."""
        conversation = await self.conversation(principal, conversation_id)
        found: list[Turn] = []
        for last in range(conversation.turn_count, 0, -PAGE_TURNS_MAX):
            first = max(0, last - PAGE_TURNS_MAX)
            turns = await self.page(conversation, first, last - first)
            found += turns
            if turns and turns[0].created_at < since:
                break
        return found

    async def turn(self, principal: Principal, turn_id: str) -> Turn:
        """Raises `NotFound`, for somebody else's turn too."""
        name = _turn_name(turn_id)
        value = (await self._tiers.turns(principal.tenant, name[0], [name[1]]))[0] if name is not None else None
        turn = Turn.model_validate(value) if value is not None and ERASED_KEY not in value else None
        if turn is None or turn.user != principal.user:
            raise NotFound(UNKNOWN_TURN)
        return turn.as_read()

    async def turn_item(self, tenant: str, turn_id: str) -> StateItem | None:
        """The turn's record in the hot tier, to be written over; brought there from where it is."""
        name = _turn_name(turn_id)
        item = await self._tiers.raised_turn(tenant, *name) if name is not None else None
        return None if is_erased(item) else item

    async def replace_turn(self, turn: Turn, etag: str) -> None:
        """Raises `Conflict` when the turn was changed meanwhile."""
        await self._state.replace(_turn_key(turn), _json(turn), etag=etag)

    async def record_of(self, tenant: str, conversation_id: str, n: int) -> StateItem | None:
        """A turn's record in the hot tier, as it is; None where there is none."""
        item = await self._state.get(keys.turn(tenant, conversation_id, n))
        return None if is_erased(item) else item

    async def records_of(self, turns: Sequence[InHand]) -> list[StateItem]:
        """The records of these turns in the hot tier, of those that have one."""
        wanted = [keys.turn(each.tenant, each.conversation_id, each.n) for each in turns]
        found: list[StateItem] = []
        for first in range(0, len(wanted), KEYS_MAX):
            items = await self._state.get_many(wanted[first : first + KEYS_MAX])
            found += [item for item in items if item is not None and not is_erased(item)]
        return found

    async def clear_outboxes(self, turns: Sequence[Turn]) -> None:
        """Writes that all that follows these turns is done. Raises `Conflict` where one was changed meanwhile."""
        items = await self._state.get_many([_turn_key(turn) for turn in turns])
        cleared: list[tuple[StateKey, Any, str]] = []
        for turn, item in zip(turns, items, strict=True):
            if item is None or is_erased(item):
                continue  # deleted, or moved down, meanwhile
            record = Turn.model_validate(item.value)
            if record.outbox and record.is_held_as(turn):
                cleared.append((_turn_key(turn), _json(record.model_copy(update={"outbox": []})), item.etag))
        if cleared:
            await self._state.replace_all(cleared)

    async def change_turn(self, tenant: str, turn_id: str, fn: Callable[[Turn], Turn | None]) -> None:
        """Writes what `fn` makes of a turn's record, again while others are faster; None leaves it as it is.

        Raises `NotFound` where there is no such turn.
        """
        item = await self.turn_item(tenant, turn_id)
        if item is None:
            raise NotFound(UNKNOWN_TURN)

        def changed(value: Any) -> Any:
            after = fn(Turn.model_validate(value))
            return _json(after) if after is not None else None

        await self._changed(_turn_key(Turn.model_validate(item.value)), item, changed)

    async def _changed(self, key: StateKey, item: StateItem, fn: Callable[[Any], Any | None]) -> Any:
        """As `change`, of a record that was just read: without a race it is not read again."""
        after = fn(item.value)
        if after is None:
            return item.value
        try:
            await self._state.replace(key, after, etag=item.etag)
            return after
        except Conflict:
            return await change(self._state, key, fn)

    # -- what is remembered

    async def _opened(
        self, principal: Principal, conversation_id: ConversationId
    ) -> tuple[StateItem, Remembered | None]:
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
            if self._index is not None:
                await self._index.opened(_entry(below), "again")
            item, remembered = await self._tiers.raised(key), await self._tiers.raised(recall)
        if item is None:
            raise NotFound(UNKNOWN_CONVERSATION)
        return item, await self._remembered(principal, remembered, known, conversation_id)

    async def _remembered(
        self,
        principal: Principal,
        recall: StateItem | None,
        known: StateItem | None,
        conversation_id: str | None = None,
    ) -> Remembered | None:
        of_conversation = ConversationMemory.model_validate(recall.value).remembered() if recall is not None else None
        value = known.value if known is not None else {}
        if MOVED_KEY in value:
            found = await self._tiers.find_below(keys.user_memory(principal.tenant, principal.user))
            value = found.value if found is not None else {}
        if not value:
            return of_conversation
        return UserMemory.model_validate(value).added_to(of_conversation, conversation_id)


def new_conversation(principal: Principal) -> Conversation:
    """A conversation that begins with its first turn; nothing is written yet."""
    at = now()
    return Conversation(
        conversation_id=secrets.token_hex(12),  # of hex digits alone: an id that begins with a dash reads as an option
        tenant=principal.tenant,
        owner=principal.user,
        turn_count=1,
        running=Running(n=1, since=at),
        created_at=at,
        updated_at=at,
    )


def _turn_of(value: Any) -> Turn:
    """The turn that a record's `value` is. Raises `NotFound` for none, and for one whose conversation was deleted."""
    if value is None or ERASED_KEY in value:
        raise NotFound(UNKNOWN_TURN)
    return Turn.model_validate(value)


def _conversation_of(value: Any) -> Conversation:
    """The conversation that a record's `value` is. Raises `NotFound` for none, and for one that was deleted."""
    if value is None or ERASED_KEY in value:
        raise NotFound(UNKNOWN_CONVERSATION)
    return Conversation.model_validate(value)


def _owned(value: Any, principal: Principal) -> Conversation:
    """As `_conversation_of`. Raises `NotFound` for somebody else's, too."""
    conversation = _conversation_of(value)
    if conversation.owner != principal.user:
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


def _json(turn: Turn) -> Any:
    return turn.model_dump(mode="json")
