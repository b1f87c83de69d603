"""Tries deployments until one answers: retry, failover, breaker. Nothing here runs after a first token was streamed."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from services.gateway.calls.context import CallContext
from services.gateway.calls.settlement import Attempt
from services.gateway.policy.planner import Candidate, ChainLink
from services.gateway.providers.port import Call, Provider, asked_wait_s, is_transient
from services.gateway.resilience.breaker import Breakers
from services.gateway.resilience.health import Health
from services.gateway.resilience.retries import RetryBudget, wait_s_before
from switchboard.contracts.errors import (
    BadConfiguration,
    CallerError,
    DeadlineExceeded,
    LimitExceeded,
    SwitchboardError,
    Unavailable,
)

logger = logging.getLogger(__name__)

ALL_OPEN = "The models do not work at the moment. Please try again a little later."
T = TypeVar("T")
Send = Callable[[Provider, Call], Awaitable[T]]
"""Calls a deployment; returns when it answered: wholly, or its first token."""


@dataclass(slots=True)
class _Progress:
    """What one call has tried."""

    asked: set[str] = field(default_factory=set[str])
    """Deployments that failed it."""
    error: SwitchboardError | None = None
    """What to raise where nobody answers."""


class Attempts:
    """Shared by all calls of a process."""

    def __init__(self, health: Health, breakers: Breakers) -> None:
        self.health = health
        self.breakers = breakers
        self._budget = RetryBudget()

    async def run(self, links: Sequence[ChainLink], send: Send[T], context: CallContext) -> tuple[T, Attempt]:
        """The first answer, and the attempt that gave it.

        Raises the error of the best deployment that was asked, `Unavailable` where all circuits are open.
        """
        self._budget.called()
        progress = _Progress()
        for link in links:
            if all(each.target.name in progress.asked for each in link.candidates):
                continue  # a smaller model's alias that is served by the same deployments is no way out
            for number in range(context.active.policy.retry.attempts):
                candidate = await self._next(link, number, progress, context)
                if candidate is None:
                    break
                context.route.alias = link.alias
                answer, attempt = await self._attempt(candidate, send, progress, context)
                if answer is not None:
                    return answer, attempt
        raise progress.error or self._all_open(links)

    async def _attempt(
        self, candidate: Candidate, send: Send[T], progress: _Progress, context: CallContext
    ) -> tuple[T | None, Attempt]:
        """The answer, or None where another attempt may follow. Raises what no other attempt can mend."""
        target, settlement = candidate.target, context.settlement
        context.route.to(target, candidate.step)
        attempt = settlement.begin(target, context.active.providers[target.provider], candidate.step)
        call = Call(target.model, context.call.body, settlement.id_of(attempt), context.active.times)
        health = self.health.of(target.name)
        health.calls_now += 1
        try:
            async with asyncio.timeout_at(context.deadline):
                answer = await send(attempt.provider, call)
        except TimeoutError:
            error: SwitchboardError = DeadlineExceeded()
        except SwitchboardError as raised:
            error = raised
        except BaseException:
            self.breakers.released(target.name)
            settlement.failed(attempt, "cancelled", "")
            raise
        else:
            self.health.succeeded(target.name, (time.perf_counter() - attempt.started) * 1000)
            self.breakers.succeeded(target.name)
            return answer, attempt
        finally:
            health.calls_now -= 1
        is_repeated = target.name in progress.asked
        self._failed(attempt, error, progress)
        settlement.failed(attempt, "failed", error.code)
        context.span.add_event(
            "attempt failed",
            {"deployment": target.name, "step": attempt.step, "code": error.code, "again": is_repeated},
        )
        if isinstance(error, CallerError) or asyncio.get_running_loop().time() >= context.deadline:
            raise error
        progress.error = _worse(progress.error, error)
        return None, attempt

    async def _next(self, link: ChainLink, number: int, progress: _Progress, context: CallContext) -> Candidate | None:
        """The candidate to ask now; waits before one that was asked already. None: give the link up.

        Deployments that this call has not asked yet come first and without a pause.
        """
        for candidate in link.candidates:
            if candidate.target.name not in progress.asked and await self.breakers.admit(candidate.target.name):
                return candidate
        retry, error = context.active.policy.retry, progress.error
        again = [each for each in link.candidates if not self.breakers.is_open(each.target.name)]
        if not again or error is None or not is_transient(error) or not self._budget.spend(retry):
            return None
        pause_s = wait_s_before(max(1, number), retry, asked_wait_s(error))
        if pause_s is None or asyncio.get_running_loop().time() + pause_s >= context.deadline:
            return None
        await asyncio.sleep(pause_s)
        candidate = again[number % len(again)]
        return candidate if await self.breakers.admit(candidate.target.name) else None

    def _failed(self, attempt: Attempt, error: SwitchboardError, progress: _Progress) -> None:
        name = attempt.target.name
        was_refused = self.health.is_key_refused(name)
        self.health.failed(name, (time.perf_counter() - attempt.started) * 1000, error)
        if not is_transient(error) or isinstance(error, LimitExceeded):
            self.breakers.released(name)
        elif name not in progress.asked:
            # One call counts once, however often it was repeated: its attempts fail for the same reason.
            self.breakers.failed(name)
        if isinstance(error, BadConfiguration) and not was_refused:  # an alert a minute, not one a call
            logger.error("The deployment %s cannot be used: %s", name, error.message)
        progress.asked.add(name)

    def _all_open(self, links: Sequence[ChainLink]) -> Unavailable:
        waits = [self.breakers.opens_in_s(each.target.name) for link in links for each in link.candidates]
        return Unavailable(ALL_OPEN, retry_after_s=max(1, round(min(waits, default=1.0) + 0.5)))


def _worse(before: SwitchboardError | None, error: SwitchboardError) -> SwitchboardError:
    """What to raise: the last error, but that somebody is busy rather than that somebody else is down."""
    if isinstance(before, LimitExceeded) and not isinstance(error, LimitExceeded):
        return before
    return error
