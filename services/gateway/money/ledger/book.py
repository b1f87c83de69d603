"""Reads the ledger: from the sums in Redis that all replicas share, without Redis from this replica's archive."""

import asyncio
from datetime import date

from redis.asyncio import Redis

from services.gateway.money.ledger.sums import sums_of
from switchboard.ledger.archive import Archive
from switchboard.ledger.report import By, CostReport, report


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
