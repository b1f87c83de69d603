"""The sums that all replicas keep in Redis, beside the ledger: what `/admin/cost` answers from."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from redis.asyncio import Redis

from services.gateway.redis import keys
from switchboard.ledger.record import Record
from switchboard.ledger.report import GROUP_FIELDS, Sum

SEPARATOR = "\x1f"
DAYS_KEPT = 400
METRICS = ("calls", "prompt", "completion", "cached", "picousd")
"""Of a group: the ends of its fields' names, in the order of `report.NUMBER_FIELDS`."""


def group_of(record: Record) -> str:
    """The part of a field's name that tells groups apart."""
    return _joined(getattr(record, name) for name in GROUP_FIELDS)


def other_group() -> str:
    """Takes what comes after the 10,000th group (50,000 fields) of one tenant's day."""
    return _joined("other" for _ in GROUP_FIELDS)


def _joined(values: Iterable[str]) -> str:
    return "".join(f"{value.replace(SEPARATOR, ' ')}{SEPARATOR}" for value in values)


async def sums_of(redis: Redis, *, since: date, until: date, tenant: str | None = None) -> list[Sum]:
    """Of the days from `since` to `until`, both included. Raises `redis.RedisError`."""
    known: Any = [] if tenant else await redis.smembers(keys.TENANTS)
    tenants = [tenant] if tenant else sorted(name.decode() for name in known)
    days = [f"{since + timedelta(days=n):%Y-%m-%d}" for n in range(min((until - since).days + 1, DAYS_KEPT))]
    found: list[Sum] = []
    for name in tenants:
        async with redis.pipeline(transaction=False) as pipeline:
            for day in days:
                pipeline.hgetall(keys.sums(name, day))
            for day, fields in zip(days, await pipeline.execute(), strict=True):
                found += _read(name, day, fields)
    return found


def _read(tenant: str, day: str, fields: dict[bytes, bytes]) -> Sequence[Sum]:
    groups: dict[tuple[str, ...], dict[str, int]] = {}
    for field, value in fields.items():
        *group, metric = field.decode().split(SEPARATOR)
        groups.setdefault(tuple(group), {})[metric] = int(value)
    return [Sum(tenant, day, *_numbered(group, metrics)) for group, metrics in groups.items()]


def _numbered(group: tuple[str, ...], metrics: Mapping[str, int]) -> Iterable[Any]:
    return (*group, *(metrics.get(metric, 0) for metric in METRICS))
