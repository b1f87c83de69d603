"""Where tenants stand with their budgets, and what happened at 50, 80 and 100 %."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict
from redis.asyncio import Redis

from services.gateway.money.budgets import UNLIMITED, BudgetsPolicy
from services.gateway.redis import keys
from switchboard.contracts.money import picousd_of, usd_text

EVENTS_SHOWN = 100


class TenantStanding(BaseModel):
    """Dollars as exact decimal texts; no limit is None."""

    model_config = ConfigDict(frozen=True)

    tenant: str
    day_usd: str
    day_limit_usd: str | None
    month_usd: str
    month_limit_usd: str | None
    at_limit: str
    day_cap_usd: str | None
    """An operator's; calls beyond it are refused."""


class BudgetEvent(BaseModel):
    """`period` is the day (`2026-11-21`) or the month (`2026-11`) whose budget passed `percent`."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    tenant: str
    period: str
    percent: int
    spent_usd: str
    limit_usd: str


async def standing_of(redis: Redis, policy: BudgetsPolicy, tenant: str | None = None) -> list[TenantStanding]:
    """Of one tenant, or of all that ever spent something. Raises `redis.RedisError`."""
    known: Any = [] if tenant else await redis.smembers(keys.TENANTS)
    names = [tenant] if tenant else sorted(name.decode() for name in known)
    now = datetime.now(UTC)
    async with redis.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.hget(keys.spent(name, f"{now:%Y-%m-%d}"), "picousd")
            pipeline.hget(keys.spent(name, f"{now:%Y-%m}"), "picousd")
            pipeline.get(keys.cap(name))
        answers = await pipeline.execute()
    found: list[TenantStanding] = []
    for name, day, month, cap in zip(names, answers[::3], answers[1::3], answers[2::3], strict=True):
        budget = policy.of(name)
        found.append(
            TenantStanding(
                tenant=name,
                day_usd=usd_text(int(day or 0)),
                day_limit_usd=_limit(budget.day_picousd),
                month_usd=usd_text(int(month or 0)),
                month_limit_usd=_limit(budget.month_picousd),
                at_limit=budget.at_limit,
                day_cap_usd=None if cap is None else usd_text(int(cap)),
            )
        )
    return found


async def set_cap(redis: Redis, tenant: str, day_usd: Decimal | None) -> None:
    """From the next call on, over all replicas, until it is lifted (None). Raises `redis.RedisError`."""
    if day_usd is None:
        await redis.delete(keys.cap(tenant))
    else:
        await redis.set(keys.cap(tenant), picousd_of(day_usd))
        await redis.sadd(keys.TENANTS, tenant)


async def events_of(redis: Redis, tenant: str | None = None) -> list[BudgetEvent]:
    """The newest first. Raises `redis.RedisError`."""
    found: list[BudgetEvent] = []
    entries: Any = await redis.xrevrange(keys.BUDGET_EVENTS, count=EVENTS_SHOWN * (10 if tenant else 1))
    for entry, fields in entries:
        event = {name.decode(): value.decode() for name, value in fields.items()}
        if tenant in (None, event["tenant"]) and len(found) < EVENTS_SHOWN:
            found.append(
                BudgetEvent(
                    at=datetime.fromtimestamp(int(entry.partition(b"-")[0]) / 1000, UTC),
                    tenant=event["tenant"],
                    period=event["period"],
                    percent=int(event["percent"]),
                    spent_usd=usd_text(int(event["spent_picousd"])),
                    limit_usd=usd_text(int(event["limit_picousd"])),
                )
            )
    return found


def _limit(picousd: int) -> str | None:
    return None if picousd == UNLIMITED else usd_text(picousd)
