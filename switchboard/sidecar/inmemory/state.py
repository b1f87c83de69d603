"""State in a dictionary, with ETags and times to live as daprd on Redis has them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from switchboard.contracts.errors import Conflict, TooLarge, Unavailable
from switchboard.sidecar.ports import KEYS_MAX, VALUE_BYTES_MAX, StateItem, StateKey

Clock = Callable[[], float]
"""Seconds since any fixed moment."""
seconds: Clock = time.monotonic


@dataclass(frozen=True, slots=True)
class _Record:
    data: bytes
    version: int
    expires_at: float | None


class InMemoryStateStore:
    """`StateStore`. Keeps JSON, so that a caller can never change what is stored."""

    def __init__(self, clock: Clock = seconds) -> None:
        self.down = False
        self._clock = clock
        self._records: dict[tuple[str, str], _Record] = {}

    async def get(self, key: StateKey) -> StateItem | None:
        """A fresh copy of the value; its ETag counts the writes of the key from 1."""
        record = self._live(key)
        return StateItem(orjson.loads(record.data), str(record.version)) if record else None

    async def get_many(self, keys: Sequence[StateKey]) -> list[StateItem | None]:
        """Reads one by one. Raises `ValueError` above 100 keys."""
        if len(keys) > KEYS_MAX:
            raise ValueError(f"at most {KEYS_MAX} keys at once, not {len(keys)}")
        return [await self.get(key) for key in keys]

    async def create(self, key: StateKey, value: Any, *, ttl_s: int | None = None) -> None:
        """Raises `Conflict` where a value lives."""
        if self._live(key):
            raise Conflict()
        self._write(key, value, ttl_s)

    async def create_all(
        self, items: Sequence[tuple[StateKey, Any]], *, put: Sequence[tuple[StateKey, Any]] = ()
    ) -> None:
        """One after the other up to the first `Conflict`; those before it stay written, and all of `put`."""
        for key, value in put:
            await self.put(key, value)
        for key, value in items:
            await self.create(key, value)

    async def replace(self, key: StateKey, value: Any, *, etag: str, ttl_s: int | None = None) -> None:
        """Raises `Conflict` over another version; writes where nothing is any more, as Redis does."""
        record = self._live(key)
        if record and str(record.version) != etag:
            raise Conflict()
        self._write(key, value, ttl_s)

    async def replace_all(
        self, items: Sequence[tuple[StateKey, Any, str]], *, put: Sequence[tuple[StateKey, Any]] = ()
    ) -> None:
        """Writes all that it can, then raises `Conflict` if one was changed."""
        for key, value in put:
            await self.put(key, value)
        changed = False
        for key, value, etag in items:
            try:
                await self.replace(key, value, etag=etag)
            except Conflict:
                changed = True
        if changed:
            raise Conflict()

    async def put(self, key: StateKey, value: Any, *, ttl_s: int | None = None) -> None:
        """Writes over everything; without `ttl_s` it lives for ever."""
        self._write(key, value, ttl_s)

    async def delete(self, key: StateKey, *, etag: str | None = None) -> None:
        """With `etag` it raises `Conflict` where nothing is any more, too."""
        record = self._live(key)
        if etag is not None and (record is None or str(record.version) != etag):
            raise Conflict()
        if record:
            del self._records[key.partition, key.key]

    def _live(self, key: StateKey) -> _Record | None:
        if self.down:
            raise Unavailable()
        record = self._records.get((key.partition, key.key))
        if record and record.expires_at is not None and record.expires_at <= self._clock():
            del self._records[key.partition, key.key]
            return None
        return record

    def _write(self, key: StateKey, value: Any, ttl_s: int | None) -> None:
        before = self._live(key)
        data = orjson.dumps(value)
        if len(data) > VALUE_BYTES_MAX:
            raise TooLarge("This is more than the conversation can keep.")
        expires_at = self._clock() + ttl_s if ttl_s else None
        version = before.version + 1 if before else 1
        self._records[key.partition, key.key] = _Record(data, version, expires_at)
