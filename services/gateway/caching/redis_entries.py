"""Entries in Redis, shared by all replicas. Redis 6.2 and later; a partition's keys share one slot of a cluster.

`<prefix>{<partition>}:v:<id>` a value; `:h` heads; `:s` sizes; `:u` ids by last use; `:d` ids by expiry; `:p` ids by
place; `:n` the last place and the bytes held. One script (`redis/cache_put.lua`) adds, expires and evicts, so replicas
never overshoot a bound.
"""

import time
from collections.abc import Sequence
from typing import Any

from services.gateway.redis import keys
from services.gateway.redis.pipe import Pipe, RedisAway
from services.gateway.redis.scripts import CACHE_CHANGES, CACHE_GET, CACHE_GET_MANY, CACHE_IDS, CACHE_PUT, LuaScript
from switchboard.caching.entries.port import CHANGES_MAX, Bounds, Changes
from switchboard.contracts.errors import Unavailable

EXPIRED_AT_ONCE_MAX = 200
VALUE_BYTES_MAX = 256 * 1024
GRACE_S = 60
"""How much longer than its last entry a partition's bookkeeping stays."""


class RedisEntries:
    """`pipe` is its maker's to open and close. What is larger than `VALUE_BYTES_MAX` is not kept: limits go the same way."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    async def put(self, partition: str, identity: str, head: bytes, value: bytes, bounds: Bounds) -> None:
        if len(value) > VALUE_BYTES_MAX:
            return
        ttl_ms = max(1, int(bounds.ttl_s * 1000))
        sizes = (bounds.entries_max, bounds.bytes_max, EXPIRED_AT_ONCE_MAX, GRACE_S * 1000)
        await self._asked(CACHE_PUT, partition, identity, head, value, _now_ms(), ttl_ms, *sizes)

    async def get(self, partition: str, identity: str) -> bytes | None:
        return await self._asked(CACHE_GET, partition, _now_ms(), identity)

    async def get_many(self, partition: str, identities: Sequence[str]) -> list[bytes | None]:
        return list(await self._asked(CACHE_GET_MANY, partition, *identities)) if identities else []

    async def changes(self, partition: str, place: int) -> Changes:
        changed = await self._asked(CACHE_CHANGES, partition, place, _now_ms(), CHANGES_MAX)
        heads = [(changed[index].decode(), changed[index + 1]) for index in range(2, len(changed), 2)]
        return Changes(int(changed[0]), heads, int(changed[1]))

    async def ids(self, partition: str) -> set[str]:
        return {each.decode() for each in await self._asked(CACHE_IDS, partition, _now_ms())}

    async def _asked(self, script: LuaScript, partition: str, *arguments: Any) -> Any:
        try:
            return await self._pipe.answer(self._pipe.send(script, [keys.cache(partition)], arguments))
        except RedisAway as error:
            raise Unavailable("The cache's store does not answer at the moment.") from error


def _now_ms() -> int:
    return int(time.time() * 1000)
