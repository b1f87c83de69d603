"""Entries in this process: for one replica without Redis, for tests, and for the command line."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from switchboard.caching.entries.port import CHANGES_MAX, Bounds, Changes

PARTITIONS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class _Entry:
    head: bytes
    value: bytes
    place: int
    expires: float

    @property
    def size(self) -> int:
        return len(self.head) + len(self.value)


@dataclass(slots=True)
class _Partition:
    entries: OrderedDict[str, _Entry] = field(default_factory=OrderedDict[str, _Entry])
    """The one used longest ago comes first."""
    size: int = 0
    place: int = 0

    def remove(self, identity: str) -> None:
        self.size -= self.entries.pop(identity).size


class MemoryEntries:
    """`PARTITIONS_MAX` partitions; the one used longest ago goes first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._partitions: OrderedDict[str, _Partition] = OrderedDict()

    async def put(self, partition: str, identity: str, head: bytes, value: bytes, bounds: Bounds) -> None:
        kept = self._partitions.setdefault(partition, _Partition())
        self._partitions.move_to_end(partition)
        if len(self._partitions) > PARTITIONS_MAX:
            self._partitions.popitem(last=False)
        if identity in kept.entries:
            kept.remove(identity)
        if len(head) + len(value) > bounds.bytes_max:
            return
        self._expire(kept)
        kept.place += 1
        kept.entries[identity] = _Entry(head, value, kept.place, self._clock() + bounds.ttl_s)
        kept.size += len(head) + len(value)
        while len(kept.entries) > bounds.entries_max or kept.size > bounds.bytes_max:
            kept.remove(next(iter(kept.entries)))

    async def get(self, partition: str, identity: str) -> bytes | None:
        kept = self._of(partition)
        if identity not in kept.entries:
            return None
        kept.entries.move_to_end(identity)
        return kept.entries[identity].value

    async def get_many(self, partition: str, identities: Sequence[str]) -> list[bytes | None]:
        kept = self._of(partition).entries
        return [kept[identity].value if identity in kept else None for identity in identities]

    async def changes(self, partition: str, place: int) -> Changes:
        kept = self._of(partition)
        if kept.place == place:
            return Changes(place, [], len(kept.entries))
        if kept.place < place:
            place = 0  # the partition was forgotten and began anew
        fresh = sorted(
            (entry.place, identity, entry.head) for identity, entry in kept.entries.items() if entry.place > place
        )
        first = fresh[:CHANGES_MAX]
        reached = first[-1][0] if len(fresh) > CHANGES_MAX else kept.place
        return Changes(reached, [(identity, head) for _, identity, head in first], len(kept.entries))

    async def ids(self, partition: str) -> set[str]:
        return set(self._of(partition).entries)

    def _of(self, partition: str) -> _Partition:
        kept = self._partitions.get(partition)
        if kept is None:
            return _Partition()
        self._partitions.move_to_end(partition)
        self._expire(kept)
        return kept

    def _expire(self, kept: _Partition) -> None:
        now = self._clock()
        for identity in [identity for identity, entry in kept.entries.items() if entry.expires <= now]:
            kept.remove(identity)
