"""The index of conversations, which a state store cannot list: whose they are, and when to look at each again.

Written where nothing contends: each replica appends to a log of its own, one small record a conversation it opened,
beside the conversation's own. Whoever holds the lease takes the logs in: ids go to their owner's pages, and the
conversation to the page of the period in which it is due. An entry leaves the log only after both are written, and
writing them twice changes nothing, so no crash loses a conversation.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence, Set
from typing import Any, Literal

from pydantic import BaseModel, Field

from switchboard.contracts.errors import Unavailable
from switchboard.sidecar import keys
from switchboard.sidecar.change import change
from switchboard.sidecar.ports import StateItem, StateKey, StateStore

LOG_BATCH = 100
LOG_BATCHES_MAX = 50
"""Of one log in one round; the rest is for the next."""
SETTLED_S = 60.0
"""After so long an entry that is missing between others will not come: its write failed."""
SILENT_S = 24 * 3600.0
"""A log without entries for so long is of a replica that is gone."""
SIGN_EVERY = LOG_BATCH // 2
"""Entries, after which a replica says again that it keeps its log. It must succeed before it goes on: so however long
the state store fails, fewer entries in a row are missing than a reader looks ahead."""
OWNED_PAGE, DUE_PAGE = 500, 200
WRITERS_MAX = 1_000

Clock = Callable[[], float]
"""Seconds since 1970."""
Why = Literal["new", "again"]

logger = logging.getLogger(__name__)


class Entry(BaseModel):
    """A conversation to look at; with an empty `conversation_id`, a user's memory."""

    tenant: str
    user: str
    conversation_id: str = ""


class _Log(BaseModel):
    next: int = 1
    """The first entry that may not have been taken in."""
    seen_at: float


class _Contents(BaseModel):
    """The record under `keys.conversation_index`."""

    writers: dict[str, _Log] = Field(default_factory=dict[str, _Log])
    buckets: dict[int, int] = Field(default_factory=dict[int, int])
    """How many pages each period has, by when it is over (seconds since 1970)."""

    def with_log(self, writer: str, log: _Log) -> "_Contents":
        return self.model_copy(update={"writers": {**self.writers, writer: log}})

    def without_log(self, writer: str) -> "_Contents":
        return self.model_copy(update={"writers": {name: log for name, log in self.writers.items() if name != writer}})

    def with_pages(self, bucket: int, pages: int) -> "_Contents":
        """A period without pages is left out."""
        others = {each: count for each, count in self.buckets.items() if each != bucket}
        return self.model_copy(update={"buckets": {**others, bucket: pages} if pages > 0 else others})


class ConversationIndex:
    """May be called concurrently; `take_in` and `due` by the holder of the lease only. Raises what the port raises."""

    def __init__(self, state: StateStore, *, bucket_s: int = 86_400, clock: Clock = time.time) -> None:
        self._state = state
        self._bucket_s = bucket_s
        self._clock = clock
        self._writer = secrets.token_hex(6)
        self._signing = asyncio.Lock()
        self._signed_at = float("-inf")
        self._seq = 0

    async def opened(self, entry: Entry, why: Why = "new") -> None:
        """Notes a conversation that this replica made, or woke from a lower tier. Returns when it is written."""
        key, value = await self.note(entry, why)
        await self._state.put(key, value)

    async def note(self, entry: Entry, why: Why = "new") -> tuple[StateKey, Any]:
        """The record that `opened` writes, for a caller who writes it with another of its own."""
        async with self._signing:
            if self._seq % SIGN_EVERY == 0 or self._clock() - self._signed_at > SILENT_S / 4:
                await self._change(self._signed)
                self._signed_at = self._clock()
            self._seq += 1
            seq = self._seq
        return keys.index_log(self._writer, seq), entry.model_dump() | {"why": why, "at": self._clock()}

    def _signed(self, contents: _Contents) -> _Contents:
        """Says that this replica's log is kept."""
        if self._writer not in contents.writers and len(contents.writers) >= WRITERS_MAX:
            logger.error("the index knows %d logs, and takes no more", WRITERS_MAX)
            raise Unavailable
        known = contents.writers.get(self._writer)
        log = _Log(next=known.next if known is not None else self._seq + 1, seen_at=self._clock())
        return contents.with_log(self._writer, log)

    async def take_in(self, due_after_s: float) -> int:
        """Takes in what the logs hold; each conversation is due so long after it was opened. Returns how many."""
        contents = await self._contents()
        return sum([await self._take_log(writer, log, due_after_s) for writer, log in contents.writers.items()])

    async def conversations_of(self, tenant: str, user: str) -> list[str]:
        """The ids of the user's conversations that were taken in, oldest first."""
        first = await self._state.get(keys.owner_page(tenant, user, 0))
        if first is None:
            return []
        pages = [keys.owner_page(tenant, user, page) for page in range(1, int(first.value["pages"]))]
        items: list[StateItem | None] = [first]
        for start in range(0, len(pages), LOG_BATCH):
            items += await self._state.get_many(pages[start : start + LOG_BATCH])
        return list(dict.fromkeys(each for item in items if item is not None for each in item.value["conversations"]))

    async def disown(self, tenant: str, user: str, conversation_ids: Sequence[str] | None = None) -> None:
        """Takes conversations (all of them by default) out of the user's pages."""
        first = await self._state.get(keys.owner_page(tenant, user, 0))
        if first is None:
            return
        if conversation_ids is None:
            for page in reversed(range(int(first.value["pages"]))):
                await self._state.delete(keys.owner_page(tenant, user, page))
            return
        gone = set(conversation_ids)
        for page in range(int(first.value["pages"])):
            await change(self._state, keys.owner_page(tenant, user, page), lambda value: _without(value, gone))

    async def put_off(self, entries: Sequence[Entry], seconds: float) -> None:
        """Makes conversations due `seconds` from now."""
        await self._put(entries, self._bucket(self._clock() + seconds))

    async def _put(self, entries: Sequence[Entry], bucket: int) -> None:
        contents = await self._contents()
        pages = contents.buckets.get(bucket, 0)
        rest = [each.model_dump() for each in entries]
        if pages:
            key = keys.due_page(bucket, pages - 1)
            item = await self._state.get(key)
            held: list[Any] = item.value["entries"] if item is not None else []
            room = DUE_PAGE - len(held)
            if item is not None and room > 0:
                # A conversation that is there already is moved once; that it is there twice does no harm.
                fresh = [each for each in rest[:room] if each not in held]
                await self._state.replace(key, {"entries": [*held, *fresh]}, etag=item.etag)
                rest = rest[room:]
        for start in range(0, len(rest), DUE_PAGE):
            await self._state.put(keys.due_page(bucket, pages), {"entries": rest[start : start + DUE_PAGE]})
            pages += 1
        await self._change(lambda now: now.with_pages(bucket, max(pages, now.buckets.get(bucket, 0))))

    async def due(self) -> tuple[tuple[int, int], list[Entry]] | None:
        """A page of conversations that are due, the longest due first; None where none is. `done` takes it away."""
        contents = await self._contents()
        now = self._clock()
        for bucket in sorted(contents.buckets):
            if bucket > now:
                return None
            page = contents.buckets[bucket] - 1
            item = await self._state.get(keys.due_page(bucket, page)) if page >= 0 else None
            return (bucket, page), [Entry.model_validate(each) for each in item.value["entries"]] if item else []
        return None

    async def done(self, place: tuple[int, int]) -> None:
        """Takes a page away that `due` gave."""
        bucket, page = place
        await self._change(lambda contents: contents.with_pages(bucket, page))
        await self._state.delete(keys.due_page(bucket, max(0, page)))

    def _bucket(self, due_at: float) -> int:
        """The end of the period that `due_at` is in, in seconds since 1970: its entries are due when it is over."""
        return (int(due_at // self._bucket_s) + 1) * self._bucket_s

    # -- one log

    async def _take_log(self, writer: str, log: _Log, due_after_s: float) -> int:
        taken, at = 0, log.next
        for _ in range(LOG_BATCHES_MAX):
            numbers = range(at, at + LOG_BATCH)
            items = await self._state.get_many([keys.index_log(writer, n) for n in numbers])
            found = {n: item.value for n, item in zip(numbers, items, strict=True) if item is not None}
            if not found:
                break
            await self._enter(list(found.values()), due_after_s)
            # Up to the first entry that may still be on its way.
            latest = max((n for n, value in found.items() if self._clock() - value["at"] > SETTLED_S), default=0)
            upto = next((n - 1 for n in numbers if n not in found and n > latest), numbers[-1])
            taken += len(found)
            await self._change(lambda contents, upto=upto: self._advanced(contents, writer, upto + 1))
            await asyncio.gather(*(self._state.delete(keys.index_log(writer, n)) for n in found if n <= upto))
            at = upto + 1
            if upto < numbers[-1]:
                break
        if taken == 0 and writer != self._writer and self._clock() - log.seen_at > SILENT_S:
            await self._change(lambda contents: contents.without_log(writer))
        return taken

    async def _enter(self, entries: list[dict[str, Any]], due_after_s: float) -> None:
        by_owner: dict[tuple[str, str], list[str]] = {}
        for each in entries:
            if each["why"] == "new" and each["conversation_id"]:
                by_owner.setdefault((each["tenant"], each["user"]), []).append(each["conversation_id"])
        for (tenant, user), ids in by_owner.items():
            await self._own(tenant, user, ids)
        by_bucket: dict[int, list[Entry]] = {}
        for each in entries:
            entry = Entry.model_validate({name: each[name] for name in Entry.model_fields})
            by_bucket.setdefault(self._bucket(each["at"] + due_after_s), []).append(entry)
        for bucket, those in by_bucket.items():
            await self._put(those, bucket)

    async def _own(self, tenant: str, user: str, ids: Sequence[str]) -> None:
        first = await self._state.get(keys.owner_page(tenant, user, 0))
        pages = int(first.value["pages"]) if first is not None else 0
        last = await self._state.get(keys.owner_page(tenant, user, pages - 1)) if pages else None
        held: list[str] = last.value["conversations"] if last is not None else []
        every = list(dict.fromkeys([*held, *ids]))
        page = max(0, pages - 1)
        for start in range(0, len(every), OWNED_PAGE):
            value: dict[str, Any] = {"conversations": every[start : start + OWNED_PAGE]}
            if page == 0:
                value["pages"] = max(1, pages)
            await self._state.put(keys.owner_page(tenant, user, page), value)
            page += 1
        if page > max(1, pages):
            await change(
                self._state,
                keys.owner_page(tenant, user, 0),
                lambda value: value | {"pages": page} if value is not None else None,
            )

    def _advanced(self, contents: _Contents, writer: str, next_entry: int) -> _Contents:
        log = contents.writers.get(writer)
        if log is None:
            return contents
        return contents.with_log(writer, _Log(next=max(log.next, next_entry), seen_at=self._clock()))

    # -- records

    async def _contents(self) -> _Contents:
        item = await self._state.get(keys.conversation_index())
        return _Contents.model_validate(item.value) if item is not None else _Contents()

    async def _change(self, fn: Callable[[_Contents], _Contents]) -> None:
        await change(self._state, keys.conversation_index(), lambda contents: fn(contents or _Contents()), _Contents)


def _without(page: dict[str, Any] | None, gone: Set[str]) -> dict[str, Any] | None:
    """An owner's page after the conversations `gone` were taken out of it."""
    if page is None:
        return None
    return page | {"conversations": [each for each in page["conversations"] if each not in gone]}
