"""The port of the stores behind the caches: bounded, expiring entries in partitions that never see each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

CHANGES_MAX = 2_000
"""At most this many entries are told of in one look at the changes; the next look tells the others."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one partition."""

    entries_max: int = 5_000
    bytes_max: int = 64 * 1024 * 1024
    """Of heads and values together."""
    ttl_s: float = 86_400.0


@dataclass(frozen=True, slots=True)
class Changes:
    """`heads` are (id, head) of entries added since the place asked for; `place` is where to go on from."""

    place: int
    heads: list[tuple[str, bytes]]
    count: int
    """Of all entries there are now. Where fewer than the reader knows, some are gone: read all with `ids`."""


class Entries(Protocol):
    """An entry has an id, a small `head` that readers mirror, and a `value` that is read when it serves.

    May be called concurrently, by many processes. What expired is never returned. Where a bound is passed, the entries
    used longest ago go first. Raises `Unavailable` when the store does not answer.
    """

    async def put(self, partition: str, identity: str, head: bytes, value: bytes, bounds: Bounds) -> None:
        """Replaces an entry of the same id. One that alone is larger than the partition may be is not kept."""
        ...

    async def get(self, partition: str, identity: str) -> bytes | None:
        """The value, and counts as a use of it."""
        ...

    async def get_many(self, partition: str, identities: Sequence[str]) -> list[bytes | None]:
        """The values, in order; no use is counted."""
        ...

    async def changes(self, partition: str, place: int) -> Changes:
        """What was added after `place`; 0 is the beginning."""
        ...

    async def ids(self, partition: str) -> set[str]: ...
