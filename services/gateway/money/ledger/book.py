"""Reads the ledger: from the sums in Redis that all replicas share, without Redis from this replica's archive."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from redis.asyncio import Redis

from services.gateway.redis import keys
from switchboard.ledger.archive import Archive
from switchboard.ledger.record import Record
from switchboard.ledger.report import GROUP_FIELDS, By, CostReport, Sum, report

SEPARATOR = "\x1f"
DAYS_KEPT = 400
METRICS = ("calls", "prompt", "completion", "cached", "picousd")
"""Of a group: the ends of its fields' names, in the order of `report.NUMBER_FIELDS`."""


class Book:
    """Holds what it is given; its maker opens and closes it."""

    def __init__(self, redis: Redis | None, archive: Archive) -> None:
        self.redis = redis
        self._archive = archive

    async def report(self, *, tenant: str | None, by: By, since: date, until: date) -> CostReport:
        """Days are included. Raises `redis.RedisError`."""
        first, last = since.isoformat(), until.isoformat()
        if self.redis is not None:
            sums = await sums_of(self.redis, since=since, until=until, tenant=tenant)
        else:
            sums = await asyncio.to_thread(self._archive.sums, since=first, until=last, tenant=tenant)
        return report(sums, tenant=tenant, by=by, since=first, until=last)


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
