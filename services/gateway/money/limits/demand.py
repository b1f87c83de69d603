"""What a call asks of the limits and budgets, and what they answer when they refuse."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from services.gateway.money.budgets import HardBudget, TenantBudget
from services.gateway.money.limits.tiers import Allowed
from switchboard.contracts.errors import LimitExceeded
from switchboard.contracts.money import usd_text

Whose = Literal["tenant", "user", "turn", "conversation"]


@dataclass(frozen=True, slots=True)
class Demand:
    """One call before it is made. Money in picodollars."""

    id: str
    tenant: str
    user: str
    turn: str
    conversation: str
    tokens: int
    is_stream: bool
    cost_picousd: int
    """The most it may cost."""
    cheaper_picousd: int
    """The same at the alias that a spent budget puts in its place."""
    allowed: Allowed
    tenant_budget: TenantBudget
    turn_budget: HardBudget
    conversation_budget: HardBudget


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is exceeded. `what`: requests, tokens, streams, calls, ms, picousd (of turns), day, month, cap (of tenants)."""

    whose: Whose
    what: str
    limit: int
    used: int
    wait_ms: int
    """-1: waiting does not help, or not by a known time."""


class QuotaExceeded(LimitExceeded):
    """`exceeded` is what a client may read: {whose, what, limit, used, unit}. `retryable`: the same call may pass later."""

    def __init__(self, message: str, *, exceeded: dict[str, Any], retry_after_s: int | None, retryable: bool) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.exceeded = exceeded
        self.retryable = retryable


_UNITS = {
    "requests": "requests a minute",
    "tokens": "tokens a minute",
    "streams": "answers streamed at the same time",
    "calls": "model calls",
    "ms": "seconds of model time",
    "picousd": "US dollars",
    "day": "US dollars a day",
    "month": "US dollars a month",
    "cap": "US dollars a day",
}


def error_of(refusal: Refusal, demand: Demand, now: datetime) -> QuotaExceeded:
    """The sentence a person reads, and the seconds after which to try again."""
    hard = refusal.whose in ("turn", "conversation")
    unit = "tokens" if hard and refusal.what == "tokens" else _UNITS[refusal.what]
    limit, used = _shown(refusal.what, refusal.limit), _shown(refusal.what, refusal.used)
    retry_after_s: int | None
    retryable = True
    if hard:
        message = (
            f"This {refusal.whose} may use {limit} {unit}, and {used} are used: "
            f"this call would pass that, so it was not made."
        )
        retry_after_s, retryable = None, False
    elif refusal.what == "cap":
        message = f"An operator has capped this tenant at {limit} {unit}, and {used} are spent."
        retry_after_s, retryable = _seconds_to_next("day", now), False
    elif refusal.what in ("day", "month"):
        message = f"The budget of {limit} {unit} is spent ({used}). It begins anew with the next {refusal.what}."
        retry_after_s = _seconds_to_next(refusal.what, now)
        retryable = False
    elif refusal.what == "tokens" and demand.tokens > refusal.limit:
        message = (
            f"This call may need {demand.tokens} tokens, and {limit} {unit} is all that the {refusal.whose} may use: "
            "shorten it, or ask for a smaller 'max_tokens'."
        )
        retry_after_s, retryable = 60, False
    else:
        retry_after_s = max(1, -(-refusal.wait_ms // 1000))
        message = f"The {refusal.whose}'s limit of {limit} {unit} is reached. Please try again in {retry_after_s} s."
    exceeded = {"whose": refusal.whose, "what": refusal.what, "limit": limit, "used": used, "unit": unit}
    return QuotaExceeded(message, exceeded=exceeded, retry_after_s=retry_after_s, retryable=retryable)


def _shown(what: str, amount: int) -> int | float | str:
    if what in ("picousd", "day", "month", "cap"):
        return usd_text(amount)
    return amount / 1000 if what == "ms" else amount


def _seconds_to_next(period: str, now: datetime) -> int:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        begins = midnight + timedelta(days=1)
    else:
        begins = (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
    return int((begins - now).total_seconds()) + 1
