"""`/admin/cost` and `/admin/budgets`: what was spent, for operators."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from redis.exceptions import RedisError

from services.gateway.admin.routes import operator
from services.gateway.bootstrap import Gateway
from services.gateway.money import standing
from services.gateway.money.standing import BudgetEvent, TenantStanding
from services.gateway.requests import Wired
from switchboard.contracts.errors import InvalidRequest, Unavailable
from switchboard.ledger.report import By, CostReport

router = APIRouter(prefix="/admin", dependencies=[Depends(operator)])
DAYS_MAX = 400

Day = Annotated[date | None, Query(description="A day in UTC, as 2026-11-21.")]
Tenant = Annotated[str | None, Query(max_length=128)]
TenantName = Annotated[str, Path(max_length=128)]


@router.get("/cost")
async def cost(
    gateway: Wired, tenant: Tenant = None, by: By = "feature", since: Day = None, until: Day = None
) -> CostReport:
    """The sums of the ledger; without `since`, of the last 30 days."""
    last = until or datetime.now(UTC).date()
    first = since or last - timedelta(days=29)
    if not 0 <= (last - first).days < DAYS_MAX:
        raise InvalidRequest(f"'since' must not be after 'until', and at most {DAYS_MAX} days before it.")
    book = gateway.accounting.book
    try:
        return await book.report(tenant=tenant, by=by, since=first, until=last)
    except RedisError as error:
        raise Unavailable("The ledger's sums cannot be read at the moment.") from error


@router.get("/budgets")
async def budgets(gateway: Wired, tenant: Tenant = None) -> dict[str, list[TenantStanding] | list[BudgetEvent]]:
    """How much of its budget each tenant has spent this day and month, and the last events at 50, 80 and 100 %."""
    accounting = gateway.accounting
    redis = accounting.book.redis
    if redis is None:
        return {"tenants": [], "events": []}
    try:
        return {
            "tenants": await standing.standing_of(redis, accounting.rules().budgets, tenant),
            "events": await standing.events_of(redis, tenant),
        }
    except RedisError as error:
        raise Unavailable("The budgets cannot be read at the moment.") from error


class Cap(BaseModel):
    """What a tenant may spend in a day (UTC) from now on; 0 stops all of its calls."""

    model_config = ConfigDict(extra="forbid")

    day_usd: Decimal = Field(ge=0, le=9_000)


@router.put("/budgets/{tenant}/cap")
async def set_cap(gateway: Wired, tenant: TenantName, cap: Cap) -> TenantStanding:
    """Caps a tenant in all replicas at once, above whatever `gateway.yaml` says."""
    return await _capped(gateway, tenant, cap.day_usd)


@router.delete("/budgets/{tenant}/cap")
async def lift_cap(gateway: Wired, tenant: TenantName) -> TenantStanding:
    """Lifts it."""
    return await _capped(gateway, tenant, None)


async def _capped(gateway: Gateway, tenant: str, day_usd: Decimal | None) -> TenantStanding:
    accounting = gateway.accounting
    redis = accounting.book.redis
    if redis is None:
        raise Unavailable("A cap needs Redis, and this gateway has none.")
    try:
        await standing.set_cap(redis, tenant, day_usd)
        return (await standing.standing_of(redis, accounting.rules().budgets, tenant))[0]
    except RedisError as error:
        raise Unavailable("The cap cannot be set at the moment.") from error
