"""The same limits kept in this process: what holds while Redis is away, and where there is none.

Every replica then lets pass what one would: with n of them, at most n times the limits. Nothing is kept of what ran
before Redis went away, so the bound counts from there.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from services.gateway.money.budgets import HardBudget
from services.gateway.money.limits.demand import Demand, Refusal, Whose
from services.gateway.money.limits.tiers import Allowance

T = TypeVar("T")

SCOPES_MAX = 10_000
"""Tenants, users, turns and conversations each; the one that was not used for longest is forgotten."""


@dataclass(slots=True)
class _Window:
    buckets: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """Bucket → [requests, tokens]; at most one bucket more than a window has."""
    streams: set[str] = field(default_factory=set[str])


@dataclass(slots=True)
class _Spending:
    tokens: int = 0
    calls: int = 0
    ms: int = 0
    picousd: int = 0
    held: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    """Call id → (tokens, picousd) of calls under way."""


@dataclass(frozen=True, slots=True)
class LocalHold:
    """What was let pass here."""

    bucket: int
    ms_left: int | None


class LocalLimits:
    """For one event loop; no method waits."""

    def __init__(
        self, *, window_s: float = 60.0, bucket_s: float = 1.0, clock: Callable[[], float] = time.time
    ) -> None:
        self._buckets = math.ceil(window_s / bucket_s)
        self._bucket_s = bucket_s
        self._clock = clock
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self._spending: OrderedDict[str, _Spending] = OrderedDict()

    def reserve(self, demand: Demand) -> LocalHold | Refusal:
        now = self._clock()
        bucket = int(now / self._bucket_s)
        scopes: list[tuple[Whose, str, Allowance]] = [
            ("tenant", f"t:{demand.tenant}:{demand.allowed.plan}", demand.allowed.tenant),
            ("user", f"u:{demand.tenant}:{demand.user}", demand.allowed.user),
        ]
        budgets: list[tuple[Whose, str, HardBudget]] = []
        if demand.turn:
            budgets.append(("turn", f"turn:{demand.tenant}:{demand.turn}", demand.turn_budget))
        if demand.conversation:
            name = f"conversation:{demand.tenant}:{demand.conversation}"
            budgets.append(("conversation", name, demand.conversation_budget))
        lefts: list[int] = []
        for whose, name, budget in budgets:
            refusal = _spending_refused(whose, self._spent(name), budget, demand)
            if refusal is not None:
                return refusal
            if budget.seconds is not None:
                lefts.append(budget.ms - self._spent(name).ms)
        for whose, name, allowance in scopes:
            refusal = self._window_refused(whose, name, allowance, demand, now)
            if refusal is not None:
                return refusal
        for _, name, allowance in scopes:
            if not allowance.is_unlimited:
                window = self._window(name)
                counts = window.buckets.setdefault(bucket, [0, 0])
                counts[0] += 1
                counts[1] += demand.tokens
                if demand.is_stream and allowance.streams is not None:
                    window.streams.add(demand.id)
        for _, name, _ in budgets:
            spent = self._spent(name)
            spent.calls += 1
            spent.held[demand.id] = (demand.tokens, demand.cost_picousd)
        return LocalHold(bucket, min(lefts, default=None))

    def settle(self, demand: Demand, hold: LocalHold, *, tokens: int, picousd: int, ms: int) -> None:
        for name in (f"t:{demand.tenant}:{demand.allowed.plan}", f"u:{demand.tenant}:{demand.user}"):
            window = self._windows.get(name)
            if window is None:
                continue
            window.streams.discard(demand.id)
            counts = window.buckets.get(hold.bucket)
            if tokens > demand.tokens:
                counts = window.buckets.setdefault(int(self._clock() / self._bucket_s), [0, 0])
            if counts is not None:
                counts[1] += tokens - demand.tokens
        for whose, scope in (("turn", demand.turn), ("conversation", demand.conversation)):
            spent = self._spending.get(f"{whose}:{demand.tenant}:{scope}")
            if spent is not None and spent.held.pop(demand.id, None) is not None:
                spent.tokens += tokens
                spent.picousd += picousd
                spent.ms += ms

    def _window_refused(
        self, whose: Whose, name: str, allowance: Allowance, demand: Demand, now: float
    ) -> Refusal | None:
        if allowance.is_unlimited:
            return None
        window = self._window(name)
        oldest = int(now / self._bucket_s) - self._buckets
        for bucket in [bucket for bucket in window.buckets if bucket < oldest]:
            del window.buckets[bucket]
        if demand.is_stream and allowance.streams is not None and len(window.streams) >= allowance.streams:
            return Refusal(whose, "streams", allowance.streams, len(window.streams), 1000)
        limits = (
            ("requests", allowance.requests_per_minute, 1),
            ("tokens", allowance.tokens_per_minute, demand.tokens),
        )
        for index, (what, limit, amount) in enumerate(limits):
            used = sum(counts[index] for counts in window.buckets.values())
            if limit is not None and used + amount > limit:
                return Refusal(whose, what, limit, used, self._wait_ms(window, index, used + amount - limit, now))
        return None

    def _wait_ms(self, window: _Window, index: int, excess: int, now: float) -> int:
        for bucket in sorted(window.buckets):
            excess -= window.buckets[bucket][index]
            if excess <= 0:
                return math.ceil(((bucket + self._buckets + 1) * self._bucket_s - now) * 1000)
        return math.ceil(self._buckets * self._bucket_s * 1000)

    def _window(self, name: str) -> _Window:
        return _recent(self._windows, name, _Window)

    def _spent(self, name: str) -> _Spending:
        return _recent(self._spending, name, _Spending)


def _recent(entries: OrderedDict[str, T], name: str, make: Callable[[], T]) -> T:
    entry = entries.get(name)
    if entry is None:
        entry = entries[name] = make()
        if len(entries) > SCOPES_MAX:
            entries.popitem(last=False)
    else:
        entries.move_to_end(name)
    return entry


def _spending_refused(whose: Whose, spent: _Spending, budget: HardBudget, demand: Demand) -> Refusal | None:
    tokens = spent.tokens + sum(held for held, _ in spent.held.values())
    picousd = spent.picousd + sum(held for _, held in spent.held.values())
    if budget.tokens is not None and tokens + demand.tokens > budget.tokens:
        return Refusal(whose, "tokens", budget.tokens, tokens, -1)
    if budget.calls is not None and spent.calls + 1 > budget.calls:
        return Refusal(whose, "calls", budget.calls, spent.calls, -1)
    if budget.seconds is not None and spent.ms >= budget.ms:
        return Refusal(whose, "ms", budget.ms, spent.ms, -1)
    if budget.usd is not None and picousd + demand.cost_picousd > budget.picousd:
        return Refusal(whose, "picousd", budget.picousd, picousd, -1)
    return None
