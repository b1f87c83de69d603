"""Kept answers in the state store, shared by all replicas: `switchboard.caching.entries.port` over the sidecar.

A partition is `<tenant>|<scope>`: a record an answer, and one index of them all. A replica reads the index at most once
in `FRESH_S` and holds the ids in memory, so that a question that nobody asked before costs no read. What is told is
always read from its record: an answer that was withdrawn, anywhere, is not given again by anybody.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, Field

from switchboard.caching.entries.port import CHANGES_MAX, Bounds, Changes
from switchboard.sidecar import keys
from switchboard.sidecar.change import change
from switchboard.sidecar.ports import KEYS_MAX, StateKey, StateStore

ENTRY_BYTES_MAX = 64 * 1024
FRESH_S = 1.0
"""An answer that another replica kept is found after this at the latest."""
PARTITIONS_MAX = 256
"""Whose index a process holds; the one used longest ago goes first."""


class Line(BaseModel):
    """An entry in the index. Short names: there are hundreds, and each answer that is kept writes them all."""

    i: str
    """Its id."""
    n: int
    """Its place: counts what was ever added."""
    u: float
    """Until when it stands, in seconds of the epoch."""
    b: int
    """Bytes of head and value."""


class Index(BaseModel):
    """The value of `answers|<tenant>|<scope>`, oldest first."""

    place: int = 0
    lines: list[Line] = Field(default_factory=list[Line])


class Entry(BaseModel):
    """The value of `answer|<tenant>|<scope>|<id>`."""

    head: str = ""
    value: str = ""
    until: float
    withdrawn: bool = False
    """Somebody said that it is bad: as long as this stands, the question's answer is not kept."""


@dataclass(slots=True)
class _Seen:
    """A partition's index, as this process read it last."""

    index: Index = field(default_factory=Index)
    ids: frozenset[str] = frozenset()
    read_s: float = -math.inf


class StateEntries:
    """Keeps the promises of the port `Entries`, but that uses are not counted: where a bound is passed, the oldest go.

    Heads and values are UTF-8. May be called concurrently. Raises `Unavailable`, and `Conflict` after ten lost races.
    """

    def __init__(self, state: StateStore, *, fresh_s: float = FRESH_S, clock: Callable[[], float] = time.time) -> None:
        self._state = state
        self._fresh_s = fresh_s
        self._clock = clock
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    async def put(self, partition: str, identity: str, head: bytes, value: bytes, bounds: Bounds) -> None:
        size = len(head) + len(value)
        if size > min(bounds.bytes_max, ENTRY_BYTES_MAX):
            return
        key, now = _entry_key(partition, identity), self._clock()
        before = await self._state.get(key)
        if before is not None and _stands(entry := Entry.model_validate(before.value), now) and entry.withdrawn:
            return
        until = now + bounds.ttl_s
        kept = Entry(head=head.decode(), value=value.decode(), until=until)
        await self._state.put(key, kept.model_dump(exclude_defaults=True), ttl_s=math.ceil(bounds.ttl_s))
        evicted: list[Line] = []

        def added(index: Index | None) -> Index:
            nonlocal evicted
            index = index or Index()
            lines = [line for line in index.lines if line.u > now and line.i != identity]
            lines.append(Line(i=identity, n=index.place + 1, u=until, b=size))
            kept = _within(lines, bounds)
            evicted = lines[: len(lines) - len(kept)]
            return Index(place=index.place + 1, lines=kept)

        await self._change(partition, added, bounds.ttl_s)
        for line in evicted:
            await self._state.delete(_entry_key(partition, line.i))

    async def withdraw(self, partition: str, identity: str, seconds: float) -> None:
        """Takes an answer away, and lets none be kept for its question for so many seconds."""
        gone = Entry(until=self._clock() + seconds, withdrawn=True)
        key = _entry_key(partition, identity)
        await self._state.put(key, gone.model_dump(exclude_defaults=True), ttl_s=math.ceil(seconds))

        def without(index: Index | None) -> Index | None:
            lines = [line for line in index.lines if line.i != identity] if index is not None else []
            return Index(place=index.place, lines=lines) if index is not None else None

        await self._change(partition, without, seconds)

    async def get(self, partition: str, identity: str) -> bytes | None:
        return (await self.get_many(partition, [identity]))[0]

    async def get_many(self, partition: str, identities: Sequence[str]) -> list[bytes | None]:
        entries = await self._entries(partition, identities)
        return [entry.value.encode() if entry is not None else None for entry in entries]

    async def knows(self, partition: str, identity: str) -> bool:
        """Whether it is in the index, which may be `FRESH_S` old."""
        return identity in (await self._read(partition)).ids

    async def changes(self, partition: str, place: int) -> Changes:
        seen = await self._read(partition)
        now = self._clock()
        lines = [line for line in seen.index.lines if line.u > now]
        if seen.index.place < place:
            place = 0  # the partition was lost and began anew
        fresh = [line for line in lines if line.n > place][:CHANGES_MAX]
        entries = await self._entries(partition, [line.i for line in fresh])
        heads = [(line.i, each.head.encode()) for line, each in zip(fresh, entries, strict=True) if each is not None]
        return Changes(fresh[-1].n if fresh else seen.index.place, heads, len(lines))

    async def ids(self, partition: str) -> set[str]:
        now = self._clock()
        return {line.i for line in (await self._read(partition)).index.lines if line.u > now}

    async def _entries(self, partition: str, identities: Sequence[str]) -> list[Entry | None]:
        """Those that stand and were not withdrawn."""
        now = self._clock()
        found: list[Entry | None] = []
        for start in range(0, len(identities), KEYS_MAX):
            wanted = [_entry_key(partition, each) for each in identities[start : start + KEYS_MAX]]
            for item in await self._state.get_many(wanted):
                entry = Entry.model_validate(item.value) if item is not None else None
                found.append(entry if entry is not None and _stands(entry, now) and not entry.withdrawn else None)
        return found

    async def _read(self, partition: str) -> _Seen:
        """The index, read again where it is not fresh."""
        seen, now_s = self._seen.get(partition), time.monotonic()
        if seen is None or now_s - seen.read_s >= self._fresh_s:
            item = await self._state.get(_index_key(partition))
            seen = self._remember(partition, Index.model_validate(item.value) if item is not None else Index(), now_s)
        self._seen.move_to_end(partition)
        return seen

    async def _change(self, partition: str, fn: Callable[[Index | None], Index | None], ttl_s: float) -> None:
        after = await change(self._state, _index_key(partition), fn, Index, ttl_s=math.ceil(ttl_s))
        self._remember(partition, after or Index(), time.monotonic())

    def _remember(self, partition: str, index: Index, read_s: float) -> _Seen:
        seen = self._seen[partition] = _Seen(index, frozenset(line.i for line in index.lines), read_s)
        self._seen.move_to_end(partition)
        while len(self._seen) > PARTITIONS_MAX:
            self._seen.popitem(last=False)
        return seen


def _within(lines: list[Line], bounds: Bounds) -> list[Line]:
    """The newest that fit."""
    size, kept = 0, 0
    for line in reversed(lines):
        if kept == bounds.entries_max or size + line.b > bounds.bytes_max:
            break
        size, kept = size + line.b, kept + 1
    return lines[len(lines) - kept :]


def _stands(entry: Entry, now: float) -> bool:
    return entry.until > now


def _index_key(partition: str) -> StateKey:
    tenant, _, scope = partition.rpartition("|")
    return keys.kept_answers(tenant, scope)


def _entry_key(partition: str, identity: str) -> StateKey:
    tenant, _, scope = partition.rpartition("|")
    return keys.kept_answer(tenant, scope, identity)
