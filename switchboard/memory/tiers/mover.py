"""The job that moves what nobody uses down the tiers: one replica at a time, a bounded batch a round."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from switchboard.contracts.errors import SwitchboardError
from switchboard.memory.tiers.index import ConversationIndex, Entry
from switchboard.memory.tiers.store import MOVED_KEY, LowerTier, Tier, TieredStore
from switchboard.sidecar import keys
from switchboard.sidecar.lease import Lease

PAGES_MAX = 5
"""Of due conversations, in one round: at most a thousand."""
LEASE_NAME, LEASE_S = "mover", 120
"""Taken anew for each page, given back after the round."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TierPolicy:
    """By when it was last used. Ages are in seconds; a round is made every `every_s`."""

    hot_s: float = 7 * 86_400
    """Not used for so long: it moves from hot to warm."""
    warm_s: float = 90 * 86_400
    """Not used for so long altogether: it moves to cold."""
    every_s: float = 300

    @property
    def period_s(self) -> int:
        """How exactly it is known when something is due: an eighth of the shortest stay, at most a day."""
        return int(max(1, min(86_400, self.hot_s / 8, self.warm_s / 8)))


@dataclass(slots=True)
class Round:
    """What a round did."""

    taken_in: int = 0
    to_warm: int = 0
    to_cold: int = 0
    put_off: int = 0
    failed: int = 0


class Mover:
    """`run` it as a task; `round` does one round at once."""

    def __init__(
        self,
        index: ConversationIndex,
        tiers: TieredStore,
        lease: Lease,
        policy: TierPolicy,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._index = index
        self._tiers = tiers
        self._lease = lease
        self._policy = policy
        self._now = clock or (lambda: datetime.now(UTC))

    async def run(self) -> None:
        """Rounds until it is cancelled. What fails is logged and tried in the next round."""
        while True:
            await asyncio.sleep(self._policy.every_s)
            try:
                done = await self.round()
                if done.to_warm or done.to_cold or done.failed:
                    logger.info("moved %d to warm, %d to cold, %d failed", done.to_warm, done.to_cold, done.failed)
            except SwitchboardError as error:
                logger.warning("a round of moving was broken off: %s", error.code)
            except Exception:
                logger.exception("A round of moving failed.")

    async def round(self) -> Round:
        """One round; nothing where another replica holds the lease. Raises `Unavailable` without the index."""
        done = Round()
        if not await self._lease.take():
            return done
        try:
            done.taken_in = await self._index.take_in(self._policy.hot_s)
            await self._move_due(done)
        finally:
            await self._lease.give_back()
        return done

    async def _move_due(self, done: Round) -> None:
        for _ in range(PAGES_MAX):
            page = await self._index.due()
            if page is None or not await self._lease.take():
                return
            place, entries = page
            again: dict[float, list[Entry]] = {}
            for entry in dict.fromkeys((each.tenant, each.user, each.conversation_id) for each in entries):
                each = Entry(tenant=entry[0], user=entry[1], conversation_id=entry[2])
                try:
                    seconds = await self._look_at(each, done)
                except SwitchboardError as error:
                    logger.warning("%s of %s was not moved: %s", each.conversation_id or "a memory", each.tenant, error)
                    done.failed += 1
                    seconds = self._policy.every_s
                if seconds is not None:
                    again.setdefault(seconds, []).append(each)
            for seconds, those in again.items():
                await self._index.put_off(those, seconds)
            await self._index.done(place)

    async def _look_at(self, entry: Entry, done: Round) -> float | None:
        """Moves it if it is old enough. Returns in how many seconds to look again; None for never."""
        key = _key_of(entry)
        found = await self._tiers.find(key)
        if found is None:  # it was deleted, perhaps before the index had it
            if entry.conversation_id:
                await self._index.disown(entry.tenant, entry.user, [entry.conversation_id])
            return None
        value, tier = found.value, found.tier
        if MOVED_KEY in value:
            below = await self._tiers.find_below(key)
            if below is None:
                return None
            value, tier = below.value, below.tier
        used_at = value.get("updated_at") or value.get("consented_at")
        if used_at is None:
            return None  # an empty memory: nothing to move
        idle_s = (self._now() - datetime.fromisoformat(used_at)).total_seconds()
        to = _next(tier, self._tiers.below)
        if to is None:
            return None
        limit_s = self._policy.hot_s if to == "warm" or "warm" not in self._tiers.below else self._policy.warm_s
        if idle_s < limit_s:
            done.put_off += 1
            return limit_s - idle_s
        moved = (
            await self._tiers.move_conversation(entry.tenant, entry.conversation_id, to)
            if entry.conversation_id
            else await self._tiers.move_record(key, to)
        )
        if moved in ("used", "busy"):
            return self._policy.hot_s
        if to == "warm":
            done.to_warm += moved == "moved"
        else:
            done.to_cold += moved == "moved"
        if _next(to, self._tiers.below) is None:
            return None
        return max(0.0, self._policy.warm_s - idle_s)


def _key_of(entry: Entry) -> keys.StateKey:
    if entry.conversation_id:
        return keys.conversation(entry.tenant, entry.conversation_id)
    return keys.user_memory(entry.tenant, entry.user)


def _next(tier: Tier, below: list[LowerTier]) -> LowerTier | None:
    if tier == "hot":
        return below[0] if below else None
    return "cold" if tier == "warm" and "cold" in below else None
