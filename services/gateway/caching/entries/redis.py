"""Entries in Redis, shared by all replicas. Redis 6.2 and later; a partition's keys share one slot of a cluster.

`<prefix>{<partition>}:v:<id>` a value; `:h` heads; `:s` sizes; `:u` ids by last use; `:d` ids by expiry; `:p` ids by
place; `:n` the last place and the bytes held. One script (`redis/cache_put.lua`) adds, expires and evicts, so replicas never overshoot a bound.
"""

import time
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.gateway.caching.entries.port import CHANGES_MAX, Bounds, Changes
from services.gateway.redis import keys, scripts
from switchboard.contracts.errors import Unavailable

T = TypeVar("T")
EXPIRED_AT_ONCE_MAX = 200
GRACE_S = 60
"""How much longer than its last entry a partition's bookkeeping stays."""


class RedisEntries:
    """Made with a client that answers bytes and has its own time-outs; the client is its maker's to close."""

    def __init__(self, redis: Redis, prefix: str = keys.CACHE) -> None:
        self._redis = redis
        self._prefix = prefix
        self._put = redis.register_script(scripts.CACHE_PUT.text)
        self._changes = redis.register_script(scripts.CACHE_CHANGES.text)

    async def put(self, partition: str, identity: str, head: bytes, value: bytes, bounds: Bounds) -> None:
        ttl_ms = max(1, int(bounds.ttl_s * 1000))
        arguments = [
            identity, head, value, _now_ms(), ttl_ms, bounds.entries_max, bounds.bytes_max, EXPIRED_AT_ONCE_MAX,
            GRACE_S * 1000,
        ]  # fmt: skip
        await _answered(self._put(keys=[self._base(partition)], args=arguments))

    async def get(self, partition: str, identity: str) -> bytes | None:
        base = self._base(partition)
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.get(f"{base}:v:{identity}")
        pipeline.zadd(f"{base}:u", {identity: _now_ms()}, xx=True)
        return (await _answered(pipeline.execute()))[0]

    async def get_many(self, partition: str, identities: Sequence[str]) -> list[bytes | None]:
        if not identities:
            return []
        base = self._base(partition)
        found: Any = await _answered(self._redis.mget([f"{base}:v:{identity}" for identity in identities]))
        return list(found)

    async def changes(self, partition: str, place: int) -> Changes:
        changed: Any = await _answered(
            self._changes(keys=[self._base(partition)], args=[place, _now_ms(), CHANGES_MAX])
        )
        heads = [(changed[index].decode(), changed[index + 1]) for index in range(2, len(changed), 2)]
        return Changes(int(changed[0]), heads, int(changed[1]))

    async def ids(self, partition: str) -> set[str]:
        found: Any = await _answered(
            cast(Awaitable[Any], self._redis.zrangebyscore(f"{self._base(partition)}:d", f"({_now_ms()}", "+inf"))
        )
        return {each.decode() for each in found}

    def _base(self, partition: str) -> str:
        return f"{self._prefix}{{{partition}}}"


def _now_ms() -> int:
    return int(time.time() * 1000)


async def _answered(work: Awaitable[T]) -> T:
    try:
        return await work
    except (RedisError, OSError, TimeoutError) as error:
        raise Unavailable("The cache's store does not answer at the moment.") from error
