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
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.gateway.redis import keys, scripts
from services.gateway.resilience.breaker import Breakers

logger = logging.getLogger(__name__)

REFRESH_S = 0.2
ANSWER_S_MAX = 0.5
CLAIM_S_MAX = 0.1
TASKS_MAX = 1_000
TRIPPED_MS = 3_600_000
"""A circuit that nobody asks for any more is forgotten after an hour."""
AWAY = (RedisError, OSError, TimeoutError)


class SharedBreakers:
    """`Replicas` over Redis. Opened and closed with the app; `names` gives the deployments in force."""

    def __init__(self, redis: Redis, breakers: Breakers, names: Callable[[], Sequence[str]]) -> None:
        self._redis = redis
        self._breakers = breakers
        self._names = names
        self._script = redis.register_script(scripts.BREAKER_FAILED.text)
        self._tasks: set[asyncio.Task[None]] = set()
        self._touched: dict[str, int] = {}
        """Counts what was sent of each deployment, so that a read that began before does not undo it."""
        self._refreshing: asyncio.Task[None] | None = None
        self.reachable = True

    async def open(self) -> None:
        self._breakers.replicas = self
        self._refreshing = asyncio.create_task(self._refresh())

    async def close(self) -> None:
        for task in (*self._tasks, self._refreshing):
            if task is not None:
                task.cancel()
        await asyncio.gather(*self._tasks, *([self._refreshing] if self._refreshing else []), return_exceptions=True)

    def failed(self, name: str) -> None:
        rule = self._breakers.rule
        arguments = [uuid.uuid4().hex, int(rule.window_s * 1000), rule.failures, int(rule.open_s * 1000), TRIPPED_MS]
        self._start(name, self._script(keys=keys.circuit(name), args=arguments))

    def recovered(self, name: str) -> None:
        self._start(name, self._forget(name))

    async def claim(self, name: str) -> bool:
        lease_ms = int(self._breakers.rule.open_s * 1000)
        try:
            async with asyncio.timeout(CLAIM_S_MAX):
                return bool(await self._redis.set(keys.circuit_part(name, "probe"), 1, nx=True, px=lease_ms))
        except AWAY as error:
            self._lost(error)
            return True

    async def _forget(self, name: str) -> None:
        await self._redis.delete(*keys.circuit(name))

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
        except AWAY as error:
            self._lost(error)
        finally:
            self._touched[name] += 1

    async def _refresh(self) -> None:
        while True:
            try:
                await self._read()
            except AWAY as error:
                self._lost(error)
            await asyncio.sleep(REFRESH_S if self.reachable else REFRESH_S * 5)

    async def _read(self) -> None:
        names = list(self._names())
        before = dict(self._touched)
        pipe = self._redis.pipeline(transaction=False)
        for name in names:
            pipe.exists(keys.circuit_part(name, "tripped"))
            pipe.pttl(keys.circuit_part(name, "open"))
        async with asyncio.timeout(ANSWER_S_MAX):
            answers = await pipe.execute()
        if not self.reachable:
            logger.info("Redis answers again: the circuit breakers are shared by all replicas.")
            self.reachable = True
        for index, name in enumerate(names):
            if self._touched.get(name, 0) == before.get(name, 0):
                self._follow(name, bool(answers[2 * index]), int(answers[2 * index + 1]))

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
