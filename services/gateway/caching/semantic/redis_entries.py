"""Entries in Redis, shared by all replicas. Redis 6.2 and later; a partition's keys share one slot of a cluster.

`<prefix>{<partition>}:v:<id>` a value; `:h` heads; `:s` sizes; `:u` ids by last use; `:d` ids by expiry; `:p` ids by
place; `:n` the last place and the bytes held. One script adds, expires and evicts, so replicas never overshoot a bound.
"""

import time
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.gateway.caching.semantic.entries import CHANGES_MAX, Bounds, Changes
from switchboard.contracts.errors import Unavailable

T = TypeVar("T")
EXPIRED_AT_ONCE_MAX = 200
GRACE_S = 60
"""How much longer than its last entry a partition's bookkeeping stays."""

_REMOVE = """
local base = KEYS[1]
local function remove(id)
  local size = tonumber(redis.call('HGET', base..':s', id) or '0')
  redis.call('UNLINK', base..':v:'..id)
  redis.call('HDEL', base..':h', id)
  redis.call('HDEL', base..':s', id)
  redis.call('ZREM', base..':u', id)
  redis.call('ZREM', base..':d', id)
  redis.call('ZREM', base..':p', id)
  redis.call('HINCRBY', base..':n', 'bytes', -size)
end
"""
_PUT = (
    _REMOVE
    + """
local id, head, value = ARGV[1], ARGV[2], ARGV[3]
local now, ttl, most, bytes, expired_max, grace =
  tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
if redis.call('HEXISTS', base..':s', id) == 1 then remove(id) end
for _, old in ipairs(redis.call('ZRANGEBYSCORE', base..':d', '-inf', now, 'LIMIT', 0, expired_max)) do remove(old) end
local size = #head + #value
if size > bytes then return 0 end
local place = redis.call('HINCRBY', base..':n', 'place', 1)
redis.call('SET', base..':v:'..id, value, 'PX', ttl)
redis.call('HSET', base..':h', id, head)
redis.call('HSET', base..':s', id, size)
redis.call('ZADD', base..':u', now, id)
redis.call('ZADD', base..':d', now + ttl, id)
redis.call('ZADD', base..':p', place, id)
local held = redis.call('HINCRBY', base..':n', 'bytes', size)
local count = redis.call('ZCARD', base..':u')
while count > most or held > bytes do
  local oldest = redis.call('ZRANGE', base..':u', 0, 0)[1]
  if oldest == id and count == 1 then break end
  if oldest == id then oldest = redis.call('ZRANGE', base..':u', 1, 1)[1] end
  remove(oldest)
  held = tonumber(redis.call('HGET', base..':n', 'bytes'))
  count = count - 1
end
for _, part in ipairs({':h', ':s', ':u', ':d', ':p', ':n'}) do redis.call('PEXPIRE', base..part, ttl + grace) end
return 1
"""
)
_CHANGES = """
local base, place, now, most = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local last = tonumber(redis.call('HGET', base..':n', 'place') or '0')
local count = redis.call('ZCOUNT', base..':d', '('..now, '+inf')
if last == place then return {last, count} end
if last < place then place = 0 end
local found = redis.call('ZRANGEBYSCORE', base..':p', '('..place, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
local told = {last, count}
for i = 1, #found, 2 do
  local id = found[i]
  if tonumber(redis.call('ZSCORE', base..':d', id) or '0') > now then
    table.insert(told, id)
    table.insert(told, redis.call('HGET', base..':h', id))
  end
  if #found == 2 * most then told[1] = tonumber(found[i + 1]) end
end
return told
"""


class RedisEntries:
    """Made with a client that answers bytes and has its own time-outs; the client is its maker's to close."""

    def __init__(self, redis: "Redis", prefix: str = "switchboard:cache:") -> None:
        self._redis = redis
        self._prefix = prefix
        self._put = redis.register_script(_PUT)
        self._changes = redis.register_script(_CHANGES)

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
        told: Any = await _answered(self._changes(keys=[self._base(partition)], args=[place, _now_ms(), CHANGES_MAX]))
        heads = [(told[index].decode(), told[index + 1]) for index in range(2, len(told), 2)]
        return Changes(int(told[0]), heads, int(told[1]))

    async def ids(self, partition: str) -> set[str]:
        found: Any = await _answered(
            cast(Awaitable[Any], self._redis.zrangebyscore(f"{self._base(partition)}:d", f"({_now_ms()}", "+inf"))
        )
        return {each.decode() for each in found}

    async def drop(self, partition: str) -> None:
        base = self._base(partition)
        found = await self.ids(partition)
        keys = [f"{base}:v:{identity}" for identity in found] + [f"{base}:{part}" for part in "hsudpn"]
        await _answered(cast(Awaitable[Any], self._redis.unlink(*keys)))

    def _base(self, partition: str) -> str:
        return f"{self._prefix}{{{partition}}}"


def _now_ms() -> int:
    return int(time.time() * 1000)


async def _answered(work: "Awaitable[T]") -> T:
    try:
        return await work
    except (RedisError, OSError, TimeoutError) as error:
        raise Unavailable("The cache's store does not answer at the moment.") from error
