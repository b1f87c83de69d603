"""Keeps the breakers of all gateway replicas alike, through Redis.

A deployment has three keys: `failures` (a sorted set of the window), `tripped` (the circuit is not closed) and `open`
(expires when a probe may be made). Redis's own clock and expiry are used, so the replicas' clocks need not agree. Calls
never wait for it: what happens here is sent in the background, what happens elsewhere is read every `REFRESH_S`. Without
Redis each replica goes by what it sees itself; that is logged, once for each time that Redis goes or comes.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from services.gateway.resilience.breaker import Breakers

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = logging.getLogger(__name__)

REFRESH_S = 0.2
ANSWER_S_MAX = 0.5
CLAIM_S_MAX = 0.1
TASKS_MAX = 1_000
TRIPPED_MS = 3_600_000
"""A circuit that nobody asks for any more is forgotten after an hour."""
PREFIX = "switchboard:gateway:breaker"

FAILED = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('EXISTS', KEYS[2]) == 1 then
  if redis.call('EXISTS', KEYS[3]) == 0 then
    redis.call('SET', KEYS[3], 1, 'PX', ARGV[4])
    redis.call('DEL', KEYS[4])
  end
  return redis.call('PTTL', KEYS[3])
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now - ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
  redis.call('SET', KEYS[2], 1, 'PX', ARGV[5])
  redis.call('SET', KEYS[3], 1, 'PX', ARGV[4])
  redis.call('DEL', KEYS[1], KEYS[4])
  return tonumber(ARGV[4])
end
return 0
"""


class SharedBreakers:
    """`Others` over Redis. Opened and closed with the app; `names` gives the deployments in force."""

    def __init__(self, redis: "Redis", breakers: Breakers, names: Callable[[], Sequence[str]]) -> None:
        self._redis = redis
        self._breakers = breakers
        self._names = names
        self._script = redis.register_script(FAILED)
        self._tasks: set[asyncio.Task[None]] = set()
        self._touched: dict[str, int] = {}
        """Counts what was sent of each deployment, so that a read that began before does not undo it."""
        self._refreshing: asyncio.Task[None] | None = None
        self.reachable = True

    async def open(self) -> None:
        self._breakers.others = self
        self._refreshing = asyncio.create_task(self._refresh())

    async def close(self) -> None:
        for task in (*self._tasks, self._refreshing):
            if task is not None:
                task.cancel()
        await asyncio.gather(*self._tasks, *([self._refreshing] if self._refreshing else []), return_exceptions=True)

    def failed(self, name: str) -> None:
        rule = self._breakers.rule
        arguments = [uuid.uuid4().hex, int(rule.window_s * 1000), rule.failures, int(rule.open_s * 1000), TRIPPED_MS]
        keys = [_key(name, what) for what in ("failures", "tripped", "open", "probe")]
        self._start(name, self._script(keys=keys, args=arguments))

    def recovered(self, name: str) -> None:
        self._start(name, self._forget(name))

    async def claim(self, name: str) -> bool:
        lease_ms = int(self._breakers.rule.open_s * 1000)
        try:
            async with asyncio.timeout(CLAIM_S_MAX):
                return bool(await self._redis.set(_key(name, "probe"), 1, nx=True, px=lease_ms))
        except _errors() as error:
            self._lost(error)
            return True

    async def _forget(self, name: str) -> None:
        await self._redis.delete(*(_key(name, what) for what in ("failures", "tripped", "open", "probe")))

    def _start(self, name: str, command: Coroutine[Any, Any, Any]) -> None:
        if len(self._tasks) >= TASKS_MAX:
            command.close()
            return
        self._touched[name] = self._touched.get(name, 0) + 1
        task = asyncio.create_task(self._send(name, command))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, name: str, command: Coroutine[Any, Any, Any]) -> None:
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                await command
        except _errors() as error:
            self._lost(error)
        finally:
            self._touched[name] += 1

    async def _refresh(self) -> None:
        while True:
            try:
                await self._read()
            except _errors() as error:
                self._lost(error)
            await asyncio.sleep(REFRESH_S if self.reachable else REFRESH_S * 5)

    async def _read(self) -> None:
        names = list(self._names())
        before = dict(self._touched)
        pipe = self._redis.pipeline(transaction=False)
        for name in names:
            pipe.exists(_key(name, "tripped"))
            pipe.pttl(_key(name, "open"))
        async with asyncio.timeout(ANSWER_S_MAX):
            told = await pipe.execute()
        if not self.reachable:
            logger.info("Redis answers again: the circuit breakers are shared by all replicas.")
            self.reachable = True
        for index, name in enumerate(names):
            if self._touched.get(name, 0) == before.get(name, 0):
                self._follow(name, bool(told[2 * index]), int(told[2 * index + 1]))

    def _follow(self, name: str, tripped: bool, open_ms: int) -> None:
        state = self._breakers.state(name)
        if not tripped and state != "closed" and not self._breakers.is_open(name):
            self._breakers.close(name)  # another replica's probe worked, or the key expired
        elif not tripped and state == "open":
            self._breakers.close(name)
        elif tripped and open_ms > 0 and abs(self._breakers.opens_in_s(name) - open_ms / 1000) > REFRESH_S:
            self._breakers.open(name, open_ms / 1000)
        elif tripped and state == "closed":
            self._breakers.open(name, 0.0)  # half-open elsewhere

    def _lost(self, error: BaseException) -> None:
        if self.reachable:
            logger.warning(
                "Redis does not answer (%s): each replica goes by its own circuit breakers.", type(error).__name__
            )
        self.reachable = False


def _key(name: str, what: str) -> str:
    return f"{PREFIX}:{{{name}}}:{what}"


def _errors() -> tuple[type[BaseException], ...]:
    from redis.exceptions import RedisError

    return (RedisError, OSError, TimeoutError)
