"""What one call holds and spends, from its admission to its end: settled once, whatever happens."""

import asyncio
import time
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any

from services.gateway.calls.background import Background
from services.gateway.calls.ports import Admission, Attempt, CacheHit, CacheState, Ledger, ModelCall, Outcome
from services.gateway.money.ledger.prices import cost_of
from services.gateway.money.pricing import price_of
from services.gateway.policy import Target
from services.gateway.providers.port import Provider, Spent
from services.gateway.resilience.bulkheads import Slot
from switchboard.contracts.money import usd_exact


class Account:
    """One call's. Not shared."""

    def __init__(self, call: ModelCall, ledger: Ledger, cache: CacheState, background: Background) -> None:
        self.call = call
        self.cache: CacheState = cache
        self.spent = Spent()
        self.cost_usd = Decimal(0)
        self.admission: Admission | None = None
        self.slot: Slot | None = None
        self._ledger = ledger
        self._background = background
        self._late: list[asyncio.Task[None]] = []
        self._number = 0
        self._settled = False

    @property
    def attempt_id(self) -> str:
        """The attempt's under way."""
        return f"{self.call.id}.{self._number}"

    def next_id(self) -> str:
        """The next attempt's."""
        self._number += 1
        return self.attempt_id

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs without anybody waiting for it; what is settled after this waits for it, in the background too."""
        self._late.append(self._background.start(work))

    def afterwards(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs without anybody waiting for it, the account neither."""
        self._background.start(work)

    def failed(
        self, target: Target, provider: Provider, step: str, outcome: Outcome, code: str, started: float
    ) -> None:
        """An attempt that gave nothing to the caller. `started` is `time.perf_counter()`'s."""
        self.later(self._failed(self.attempt_id, target, provider, step, outcome, code, started))

    async def _failed(
        self, attempt: str, target: Target, provider: Provider, step: str, outcome: Outcome, code: str, started: float
    ) -> None:
        duration_ms = (time.perf_counter() - started) * 1000
        # It may have cost something all the same: a provider that we stopped waiting for has worked.
        spent = await provider.spent_on(attempt) or Spent()
        self.record(
            target, step, outcome, spent, started, model=target.model, error=code, attempt=attempt, took_ms=duration_ms
        )

    def record(
        self,
        target: Target,
        step: str,
        outcome: Outcome,
        spent: Spent,
        started: float,
        *,
        model: str,
        error: str = "",
        estimated: bool = False,
        first_token_ms: float | None = None,
        attempt: str | None = None,
        took_ms: float | None = None,
    ) -> Decimal:
        """Writes the attempt that `next_id` was last given to, or `attempt`. Returns its cost in US dollars."""
        price = price_of(target, model)
        cost = usd_exact(cost_of(price, spent))
        self.spent += spent
        self.cost_usd += cost
        duration_ms = (time.perf_counter() - started) * 1000 if took_ms is None else took_ms
        self._ledger.record(
            Attempt(
                id=attempt or self.attempt_id,
                call=self.call,
                deployment=target.name,
                provider=target.provider,
                model=model,
                step=step,
                outcome=outcome,
                error=error,
                spent=spent,
                estimated=estimated,
                cost_usd=cost,
                cache=self.cache,
                started_at=time.time() - duration_ms / 1000,
                duration_ms=duration_ms,
                first_token_ms=first_token_ms,
                price=price,
            )
        )
        return cost

    def from_cache(self, hit: CacheHit, step: str, started: float) -> None:
        """Writes an answer that cost nothing."""
        self._ledger.record(
            Attempt(
                id=self.next_id(),
                call=self.call,
                deployment="",
                provider="cache",
                model=str(hit.body.get("model") or ""),
                step=step,
                outcome="cached",
                error="",
                spent=Spent(),
                estimated=False,
                cost_usd=Decimal(0),
                cache=hit.state,
                started_at=time.time(),
                duration_ms=(time.perf_counter() - started) * 1000,
            )
        )

    async def settle(self) -> None:
        """Gives back what is held and reports what was spent; also when the call is cancelled meanwhile."""
        if self._settled:
            return
        self._settled = True
        if self.slot is not None:
            self.slot.release()
        if self.admission is None:
            return
        if not self._late and not self.call.stream:
            await self.admission.settle(self.cost_usd, self.spent.total)
            return
        # A task of its own: the reader of a stream may go away at this moment.
        settling = self._background.start(self._settle_after(self.admission, tuple(self._late)))
        await asyncio.sleep(0)  # most of what is late needs no more than a turn of the loop
        if all(task.done() for task in self._late):
            await asyncio.shield(settling)  # the next call of this caller must find what this one gave back

    async def _settle_after(self, admission: Admission, late: tuple[asyncio.Task[None], ...]) -> None:
        if late:
            await asyncio.wait(late)
        await admission.settle(self.cost_usd, self.spent.total)
