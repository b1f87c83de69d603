"""Writes the ledger: a record per attempt to a Redis stream, with the day's sums and the tenant's budgets in one step.

A record is on the wire before its answer's end is, and nobody waits for Redis: a gateway that is killed after that has
lost nothing, and a stream is not held up. What Redis does not take goes to the spool on disk, and to Redis when it is
back; the attempt's id makes the second time harmless. Once in the stream, a record is copied to the archive.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import orjson
from pydantic import ValidationError

from services.gateway.money.budgets import BudgetsPolicy
from services.gateway.money.ledger.book import DAYS_KEPT, group_of, other_group
from services.gateway.money.ledger.pseudonyms import Pseudonyms
from services.gateway.money.ledger.spool import Spool
from services.gateway.redis import keys
from services.gateway.redis.pipe import Pipe, RedisAway
from services.gateway.redis.scripts import RECORD
from switchboard.contracts.money import usd_text
from switchboard.ledger.record import Price, Record

logger = logging.getLogger(__name__)

STREAM_RECORDS_MAX = 1_000_000
"""Records in Redis that are not archived yet: half a gigabyte. Older ones are dropped when no archive takes them."""
EVENTS_MAX = 10_000
REMEMBERED_S = 3_600
"""How long an attempt's id is known; a record that was held up for longer might be counted twice in the sums."""
REPLAY_S = 1.0


class Recorder:
    """The adapter of the `Ledger` port."""

    def __init__(
        self, pipe: Pipe | None, spool: Spool, budgets: Callable[[], BudgetsPolicy], pseudonyms: Pseudonyms
    ) -> None:
        """`pipe` None: records go to the spool only, and from there to the archive. It is opened and closed by its maker."""
        self._pseudonyms = pseudonyms
        self._pipe = pipe
        self._spool = spool
        self._budgets = budgets
        self._sent: dict[asyncio.Future[Any], Record] = {}
        self._replayer: asyncio.Task[None] | None = None

    async def open(self) -> None:
        await asyncio.to_thread(self._pseudonyms.open)
        if self._pipe is not None:
            self._replayer = asyncio.create_task(self._replay(self._pipe), name="ledger-replay")

    async def close(self) -> None:
        """Waits for what is on its way."""
        if self._replayer is not None:
            self._replayer.cancel()
            await asyncio.gather(self._replayer, return_exceptions=True)
        await self.flush()

    async def flush(self, seconds: float = 2.0) -> None:
        """Waits, at most so long, until Redis has what it was sent."""
        if self._sent:
            await asyncio.wait(list(self._sent), timeout=seconds)
            await asyncio.sleep(0)  # lets the callbacks run that put back what was not taken

    def record(self, record: Record) -> None:
        """On the wire or on disk when it returns, its user by a pseudonym. Raises nothing."""
        record = record.model_copy(update={"user": self._pseudonyms.of(record.tenant, record.user)})
        if self._pipe is not None:
            try:
                due = self._send(self._pipe, record)
            except RedisAway:
                self._keep(record)
                return
            self._sent[due] = record
            due.add_done_callback(self._answered)
        else:
            self._keep(record)

    def _send(self, pipe: Pipe, record: Record) -> asyncio.Future[Any]:
        day = record.day
        budget = self._budgets().of(record.tenant)
        names = [
            *(keys.LEDGER, keys.sums(record.tenant, day), keys.spent(record.tenant, day)),
            *(keys.spent(record.tenant, day[:7]), keys.BUDGET_EVENTS, keys.done("recorded", int(record.at // 60))),
            keys.TENANTS,
        ]
        arguments = [
            *(record.id, orjson.dumps(record.__dict__, default=_plain), group_of(record)),
            *(record.prompt_tokens, record.completion_tokens, record.cached_tokens, record.cost_picousd),
            *(STREAM_RECORDS_MAX, DAYS_KEPT * 86_400, REMEMBERED_S, record.tenant),
            *(day, budget.day_picousd, day[:7], budget.month_picousd, EVENTS_MAX, other_group()),
        ]
        return pipe.send(RECORD, names, arguments, now=True)

    def _answered(self, due: asyncio.Future[Any]) -> None:
        record = self._sent.pop(due)
        error = None if due.cancelled() else due.exception()
        if due.cancelled() or error is not None:
            if not isinstance(error, RedisAway):
                logger.error("Redis did not take a record of the ledger: %s", error)
            self._keep(record)
            return
        marks = due.result()[1:]
        for period, percent, spent in zip(marks[::3], marks[1::3], marks[2::3], strict=True):
            self._tell(record, period.decode(), int(percent), int(spent))

    def _tell(self, record: Record, period: str, percent: int, spent: int) -> None:
        budget = self._budgets().of(record.tenant)
        limit = budget.month_picousd if len(period) == 7 else budget.day_picousd
        logger.warning(
            "Tenant %s has spent %d %% of its budget for %s: %s of %s US dollars.",
            *(record.tenant, percent, period, usd_text(spent), usd_text(max(limit, 0))),
        )

    def _keep(self, record: Record) -> None:
        try:
            self._spool.add(record.model_dump_json().encode())
        except OSError as error:
            logger.critical("A record of the ledger is lost (%s): %s", error, record.model_dump_json())

    async def _replay(self, pipe: Pipe) -> None:
        """Gives Redis what the spool holds, as soon as it is there again."""
        while True:
            await asyncio.sleep(REPLAY_S)
            if not pipe.is_up:
                continue
            for path, lines in await asyncio.to_thread(self._spool.take):
                try:
                    for line in lines:
                        if (record := _read(line)) is not None:
                            await pipe.answer(self._send(pipe, record))
                except RedisAway:
                    break
                self._spool.done(path)


def _plain(value: Any) -> Any:
    if isinstance(value, Price):
        return value.__dict__
    raise TypeError(type(value).__name__)


def _read(line: bytes) -> Record | None:
    try:
        return Record.model_validate_json(line)
    except ValidationError:
        logger.error("A line of the ledger's spool cannot be read; it is left out: %r", line[:200])
        return None
