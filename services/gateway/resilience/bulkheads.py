"""Bulkheads between callers: so many calls at once in each lane and tier, a bounded queue before each lane, then 503."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from anyio import CapacityLimiter, WouldBlock

from services.gateway.call import CallOwner, Lane, Tier
from services.gateway.policy.models import BulkheadsRule
from switchboard.contracts.errors import Unavailable

RETRY_AFTER_S = 2
FULL = "The service is busy at the moment. Please try again in a few seconds."


class Slot:
    """A call's place in its lane and its tier."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: list[CapacityLimiter] = []

    def hold(self, limiter: CapacityLimiter) -> None:
        self._held.append(limiter)

    def release(self) -> None:
        """Gives everything back; again does nothing."""
        while self._held:
            self._held.pop().release_on_behalf_of(self)


class Bulkheads:
    """Of one process. `rule` may change while calls are under way."""

    def __init__(self, rule: BulkheadsRule) -> None:
        self._rule = rule
        self._lanes: dict[Lane, CapacityLimiter] = {
            name: CapacityLimiter(lane.calls) for name, lane in rule.lanes.items()
        }
        self._tiers: dict[Tier, CapacityLimiter] = {name: CapacityLimiter(calls) for name, calls in rule.tiers.items()}
        self._waiting: dict[str, int] = {}

    def follow(self, rule: BulkheadsRule) -> None:
        """Takes over a new policy's sizes."""
        self._rule = rule
        for name, lane in rule.lanes.items():
            self._lanes[name].total_tokens = lane.calls
        for name, calls in rule.tiers.items():
            self._tiers.setdefault(name, CapacityLimiter(calls)).total_tokens = calls

    async def enter(self, caller: CallOwner) -> Slot:
        """Raises `Unavailable` with `Retry-After` where the queue is full, or nothing came free in the lane's `wait_s`."""
        slot = Slot()
        try:
            # The tier first: who waits for a place of their own must not hold one that others could use.
            tier = self._tiers.get(caller.tier) if caller.tier in self._rule.tiers else None
            if tier is not None:
                await self._take(tier, slot, caller.lane, f"{caller.lane}:{caller.tier}")
            await self._take(self._lanes[caller.lane], slot, caller.lane, caller.lane)
        except BaseException:
            slot.release()
            raise
        return slot

    def figures(self) -> dict[str, dict[str, int]]:
        """Calls under way, waiting and at most, by lane."""
        return {
            name: {
                "calls_now": limiter.borrowed_tokens,
                "waiting": self._waiting.get(name, 0),
                "calls_max": int(limiter.total_tokens),
                "queue_max": self._rule.lanes[name].queue,
            }
            for name, limiter in self._lanes.items()
        }

    async def _take(self, limiter: CapacityLimiter, slot: Slot, lane: Lane, queue: str) -> None:
        try:
            limiter.acquire_on_behalf_of_nowait(slot)
        except WouldBlock:
            async with self._queued(queue, self._rule.lanes[lane].queue):
                try:
                    async with asyncio.timeout(self._rule.lanes[lane].wait_s):
                        await limiter.acquire_on_behalf_of(slot)
                except TimeoutError:
                    raise Unavailable(FULL, retry_after_s=RETRY_AFTER_S) from None
        slot.hold(limiter)

    @asynccontextmanager
    async def _queued(self, queue: str, waiting_max: int) -> AsyncGenerator[None]:
        waiting = self._waiting.get(queue, 0)
        if waiting >= waiting_max:
            raise Unavailable(FULL, retry_after_s=RETRY_AFTER_S)
        self._waiting[queue] = waiting + 1
        try:
            yield
        finally:
            self._waiting[queue] -= 1
