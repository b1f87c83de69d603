"""Limits, budgets and the ledger of one replica, wired together."""

from collections.abc import Callable
from pathlib import Path

from redis.asyncio import Redis

from services.gateway.money.ledger.archiver import Archiver
from services.gateway.money.ledger.book import Book
from services.gateway.money.ledger.pseudonyms import Pseudonyms
from services.gateway.money.ledger.recorder import Recorder
from services.gateway.money.ledger.spool import Spool
from services.gateway.money.limits.shared import SharedLimits, Tariff
from services.gateway.money.limits.tiers import Rules
from services.gateway.redis.pipe import Pipe
from switchboard.ledger.archive import FOLDER, Archive


class Accounting:
    """`limits` is the adapter of the `Limits` port, `ledger` of the `Ledger` port; `book` reads what they wrote."""

    def __init__(
        self,
        rules: Callable[[], Rules],
        tariff: Tariff,
        *,
        redis: Redis | None,
        pipe: Pipe | None,
        data_dir: Path,
    ) -> None:
        """`redis` and `pipe` are opened and closed by their maker. Without them, all is kept in this process and its archive."""
        self.rules = rules
        folder = data_dir / FOLDER
        spool, archive = Spool(folder / "spool"), Archive(folder)
        self.limits = SharedLimits(rules, tariff, pipe)
        self.ledger = Recorder(pipe, spool, lambda: rules().budgets, Pseudonyms(folder))
        self.archiver = Archiver(redis, archive, spool)
        self.book = Book(redis, archive)

    async def open(self) -> None:
        for part in (self.limits, self.ledger, self.archiver):
            await part.open()

    async def close(self) -> None:
        """Waits until what was recorded is in Redis, and archives it."""
        for part in (self.limits, self.ledger, self.archiver):
            await part.close()
