"""Copies the ledger from Redis to the archive on disk, and takes out of Redis what is on disk.

One replica at a time does it: it holds a key that expires. A record leaves Redis only after the archive has it on disk,
so the death of the archiver in between writes it again, which changes nothing.
"""

import asyncio
import logging
import sqlite3
import uuid
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.gateway.money.ledger.spool import Spool
from services.gateway.redis import keys
from switchboard.ledger.archive import Archive
from switchboard.ledger.record import Record

logger = logging.getLogger(__name__)

BATCH_RECORDS = 500
PAUSE_S = 1.0
LOCK_MS = 15_000
RETRY_S = 5.0


class Archiver:
    """Runs from `open` to `close`. Without Redis, `spool` is what is archived."""

    def __init__(self, redis: Redis | None, archive: Archive, spool: Spool) -> None:
        """`redis` is opened and closed by its maker."""
        self._redis = redis
        self._archive = archive
        self._spool = spool
        self._name = uuid.uuid4().hex
        self._runner: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._runner = asyncio.create_task(self._run(), name="ledger-archive")

    async def close(self) -> None:
        """Archives what is there, as far as Redis lets it."""
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        try:
            async with asyncio.timeout(2.0):
                while await self.step():
                    continue
                if self._redis is not None and await self._redis.get(keys.ARCHIVER) == self._name.encode():
                    await self._redis.delete(keys.ARCHIVER)
        except (RedisError, OSError, sqlite3.Error, TimeoutError) as error:
            logger.warning("The ledger is archived by another gateway or at the next start: %s", error)

    async def step(self) -> bool:
        """One batch. False when there is nothing more to do now. Raises `RedisError`, `OSError` or `sqlite3.Error`."""
        if self._redis is None:
            return await asyncio.to_thread(self._archive_spool)
        if not await self._is_ours(self._redis):
            return False
        entries: Any = await self._redis.xrange(keys.LEDGER, count=BATCH_RECORDS)
        if not entries:
            return False
        await asyncio.to_thread(self._archive.add, _records([fields[b"r"] for _, fields in entries]))
        await self._redis.xdel(keys.LEDGER, *(entry for entry, _ in entries))
        return len(entries) == BATCH_RECORDS

    async def _run(self) -> None:
        while True:
            try:
                wait_s = 0.0 if await self.step() else PAUSE_S
            except (RedisError, OSError, sqlite3.Error) as error:
                logger.warning("The ledger cannot be archived now: %s", error)
                wait_s = RETRY_S
            await asyncio.sleep(wait_s)

    async def _is_ours(self, redis: Redis) -> bool:
        if await redis.set(keys.ARCHIVER, self._name, nx=True, px=LOCK_MS):
            return True
        if await redis.get(keys.ARCHIVER) != self._name.encode():
            return False
        await redis.pexpire(keys.ARCHIVER, LOCK_MS)
        return True

    def _archive_spool(self) -> bool:
        for path, lines in self._spool.take():
            self._archive.add(_records(lines))
            self._spool.done(path)
        return False


def _records(lines: Sequence[bytes]) -> list[Record]:
    found: list[Record] = []
    for line in lines:
        try:
            found.append(Record.model_validate_json(line))
        except ValidationError:
            logger.error("A record of the ledger cannot be read; it is left out: %r", line[:200])
    return found
