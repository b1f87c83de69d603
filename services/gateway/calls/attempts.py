"""Tries deployments until one answers: retry, failover, breaker. Nothing here runs after a first token was streamed."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from opentelemetry.trace import Span

from services.gateway.calls.account import Account
from services.gateway.calls.planner import Candidate, Step
from services.gateway.calls.route import Route
from services.gateway.policy import Target
from services.gateway.policy.models import Retry
from services.gateway.providers.port import Call, Provider, Times, asked_wait_s, is_transient
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


class Attempts:
    """Shared by all calls of a process."""

    def __init__(self, health: Health, breakers: Breakers) -> None:
        self.health = health
        self.breakers = breakers
        self.budget = RetryBudget()

    async def run(
        self,
        steps: Sequence[Step],
        providers: Mapping[str, Provider],
        send: Send[T],
        *,
        account: Account,
        route: Route,
        span: Span,
        retry: Retry,
        times: Times,
        deadline: float,
    ) -> tuple[T, Target]:
        """The first answer, and whose it is. `deadline` is the loop's time.

        Raises the error of the best deployment that was asked, `Unavailable` where all circuits are open.
        """
        self.budget.called()
        told: SwitchboardError | None = None
        counted: set[str] = set()
        for step in steps:
            if all(each.target.name in counted for each in step.candidates):
                continue  # a smaller model's alias that is served by the same deployments is no way out
            for attempt in range(retry.attempts):
                candidate, again = await self._next(step, counted, attempt, told, retry, deadline)
                if candidate is None:
                    break
                target = candidate.target
                provider = providers[target.provider]
                route.alias = step.alias
                route.to(target, candidate.step)
                call = Call(target.model, account.call.body, account.next_id(), times)
                started = time.perf_counter()
                health = self.health.of(target.name)
                health.calls_now += 1
                try:
                    async with asyncio.timeout_at(deadline):
                        answer = await send(provider, call)
                except TimeoutError:
                    error: SwitchboardError = DeadlineExceeded()
                except SwitchboardError as raised:
                    error = raised
                except BaseException:
                    self.breakers.released(target.name)
                    account.failed(target, provider, route.step, "cancelled", "", started)
                    raise
                else:
                    latency_ms = (time.perf_counter() - started) * 1000
                    self.health.succeeded(target.name, latency_ms)
                    self.breakers.succeeded(target.name)
                    return answer, target
                finally:
                    health.calls_now -= 1
                self._failed(target, error, started, counted)
                account.failed(target, provider, route.step, "failed", error.code, started)
                span.add_event(
                    "attempt failed",
                    {"deployment": target.name, "step": route.step, "code": error.code, "again": again},
                )
                if isinstance(error, CallerError) or asyncio.get_running_loop().time() >= deadline:
                    raise error
                told = _worse(told, error)
        raise told or self._all_open(steps)

    async def _next(
        self,
        step: Step,
        counted: set[str],
        attempt: int,
        told: SwitchboardError | None,
        retry: Retry,
        deadline: float,
    ) -> tuple[Candidate | None, bool]:
        """The candidate to ask now and whether it was asked before; waits before one that was. None: give the step up.

        Deployments that this call has not asked yet come first and without a pause.
        """
        for candidate in step.candidates:
            if candidate.target.name not in counted and await self.breakers.admit(candidate.target.name):
                return candidate, False
        again = [each for each in step.candidates if not self.breakers.is_open(each.target.name)]
        if not again or told is None or not is_transient(told) or not self.budget.spend(retry):
            return None, True
        pause_s = wait_s_before(max(1, attempt), retry, asked_wait_s(told))
        if pause_s is None or asyncio.get_running_loop().time() + pause_s >= deadline:
            return None, True
        await asyncio.sleep(pause_s)
        candidate = again[attempt % len(again)] if len(again) > 1 else again[0]
        return (candidate, True) if await self.breakers.admit(candidate.target.name) else (None, True)

    def _failed(self, target: Target, error: SwitchboardError, started: float, counted: set[str]) -> None:
        self.health.failed(target.name, (time.perf_counter() - started) * 1000, error)
        if not is_transient(error) or isinstance(error, LimitExceeded):
            self.breakers.released(target.name)
        elif target.name not in counted:
            # One call counts once, however often it was repeated: its attempts fail for the same reason.
            self.breakers.failed(target.name)
        if isinstance(error, BadConfiguration):
            logger.error("The deployment %s cannot be used: %s", target.name, error.message)
        counted.add(target.name)

    def _all_open(self, steps: Sequence[Step]) -> Unavailable:
        waits = [self.breakers.opens_in_s(each.target.name) for step in steps for each in step.candidates]
        return Unavailable(ALL_OPEN, retry_after_s=max(1, round(min(waits, default=1.0) + 0.5)))


def _worse(told: SwitchboardError | None, error: SwitchboardError) -> SwitchboardError:
    """What to tell the caller: the last error, but that somebody is busy rather than that somebody else is down."""
    if isinstance(told, LimitExceeded) and not isinstance(error, LimitExceeded):
        return told
    return error
