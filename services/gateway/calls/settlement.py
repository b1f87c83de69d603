"""What one call holds and spends, from its admission to its end: settled once, whatever happens."""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from services.gateway.call import ModelCall, StepName
from services.gateway.calls.background import Background
from services.gateway.money.prices import FREE, cost_of, price_of
from services.gateway.policy.catalog import Target
from services.gateway.ports import Admission, CacheHit, CacheState, Ledger
from services.gateway.providers.port import Provider, Spent
from services.gateway.resilience.bulkheads import Slot
from switchboard.contracts.money import usd_of
from switchboard.ledger.record import Outcome, Price, Record
from switchboard.telemetry import current_trace_id

NOTHING = Spent()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call of one deployment. `started` is `time.perf_counter()`'s."""

    number: int
    """From 1, within its call."""
    target: Target
    provider: Provider
    step: StepName
    started: float


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """How an attempt ended."""

    outcome: Outcome
    spent: Spent = NOTHING
    model: str = ""
    """As the provider named it; empty where it did not answer."""
    error: str = ""
    """The code of our error, empty where there was none."""
    estimated: bool = False
    """The provider did not say what it spent; it was counted from what came."""
    first_token_ms: float | None = None
    duration_ms: float | None = None
    """None: up to now."""


class Settlement:
    """One call's. Not shared."""

    def __init__(self, call: ModelCall, ledger: Ledger, background: Background) -> None:
        self.call = call
        """As it was admitted: a spent budget puts a cheaper alias in."""
        self.cache: CacheState = "off"
        self.admission: Admission | None = None
        self.slot: Slot | None = None
        self._ledger = ledger
        self._background = background
        self._tokens = 0
        self._cost_picousd = 0
        self._attempts = 0
        self._late: list[asyncio.Task[None]] = []
        self._settled = False

    def begin(self, target: Target, provider: Provider, step: StepName) -> Attempt:
        """The next attempt, which begins now."""
        self._attempts += 1
        return Attempt(self._attempts, target, provider, step, time.perf_counter())

    def id_of(self, attempt: Attempt) -> str:
        """`<call id>.<n>`: the provider gets it as `x-client-request-id`, the ledger keeps it."""
        return f"{self.call.id}.{attempt.number}"

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs without anybody waiting for it; the settlement waits for it, in the background too."""
        self._late.append(self._background.start(work))

    def afterwards(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs without anybody waiting for it, the settlement neither."""
        self._background.start(work)

    def failed(self, attempt: Attempt, outcome: Outcome, error: str) -> None:
        """An attempt that gave nothing to the caller."""
        self.later(self._failed(attempt, outcome, error))

    async def _failed(self, attempt: Attempt, outcome: Outcome, error: str) -> None:
        duration_ms = _ms_since(attempt.started)
        # It may have cost something all the same: a provider that we stopped waiting for has worked.
        spent = await attempt.provider.spent_on(self.id_of(attempt)) or NOTHING
        self.ended(attempt, AttemptEnd(outcome, spent, error=error, duration_ms=duration_ms))

    def ended(self, attempt: Attempt, end: AttemptEnd) -> int:
        """Writes an attempt to the ledger. Returns its cost in picodollars."""
        target, model = attempt.target, end.model or attempt.target.model
        price = price_of(target, model)
        cost = cost_of(price, end.spent)
        self._tokens += end.spent.total
        self._cost_picousd += cost
        self._write(attempt.number, attempt.step, end, target=target, model=model, price=price, cost_picousd=cost,
                    duration_ms=_ms_since(attempt.started) if end.duration_ms is None else end.duration_ms)  # fmt: skip
        return cost

    def answered_by_cache(self, hit: CacheHit, step: StepName, started: float) -> None:
        """Writes an answer that cost nothing."""
        self._attempts += 1
        self.cache = hit.state
        self._write(self._attempts, step, AttemptEnd("cached"), target=None, model=str(hit.body.get("model") or ""),
                    price=FREE, cost_picousd=0, duration_ms=_ms_since(started))  # fmt: skip

    def _write(
        self,
        number: int,
        step: StepName,
        end: AttemptEnd,
        *,
        target: Target | None,
        model: str,
        price: Price,
        cost_picousd: int,
        duration_ms: float,
    ) -> None:
        call, caller = self.call, self.call.caller
        self._ledger.record(
            Record.model_construct(
                id=f"{call.id}.{number}",
                at=time.time() - duration_ms / 1000,
                request_id=call.id,
                attempt=number,
                trace_id=current_trace_id(),
                tenant=caller.tenant,
                user=caller.user,
                tier=caller.tier,
                feature=caller.feature,
                agent=caller.agent,
                conversation=caller.conversation,
                turn=caller.turn,
                operation=call.operation,
                alias=call.alias,
                deployment=target.name if target is not None else "",
                provider=target.provider if target is not None else "cache",
                model=model,
                step=step,
                outcome=end.outcome,
                error=end.error,
                cache=self.cache,
                prompt_tokens=end.spent.prompt_tokens,
                completion_tokens=end.spent.completion_tokens,
                cached_tokens=end.spent.cached_tokens,
                estimated=end.estimated,
                price=price,
                cost_picousd=cost_picousd,
                duration_ms=round(duration_ms, 3),
                first_token_ms=None if end.first_token_ms is None else round(end.first_token_ms, 3),
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
            await self.admission.settle(self._cost_picousd, self._tokens)
            return
        # A task of its own: the reader of a stream may go away at this moment.
        settling = self._background.start(self._settle_after(self.admission, tuple(self._late)))
        await asyncio.sleep(0)  # most of what is late needs no more than a turn of the loop
        if all(task.done() for task in self._late):
            await asyncio.shield(settling)  # the next call of this caller must find what this one gave back

    async def _settle_after(self, admission: Admission, late: tuple[asyncio.Task[None], ...]) -> None:
        if late:
            await asyncio.wait(late)
        await admission.settle(self._cost_picousd, self._tokens)


def usage_of(usage: Any, cost_picousd: int, *, cache: CacheState | None = None) -> dict[str, Any]:
    """An answer's `usage` with what it cost: exact for our services, in dollars for other clients of OpenAI's protocol.

    `cache` is `exact` or `semantic` where the answer came from a cache.
    """
    whole: dict[str, Any] = {**usage} if isinstance(usage, dict) else {}
    whole |= {"cost_usd": usd_of(cost_picousd), "cost_picousd": cost_picousd}
    if cache is not None:
        whole["cache"] = cache
    return whole


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
