"""How long to wait before a deployment is called again, and how often that may happen in all."""

import time
from collections import deque
from collections.abc import Callable

from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_random_exponential

from services.gateway.policy.models import Retry

WINDOW_S = 10.0
CALLS_MAX = 100_000


class RetryBudget:
    """Keeps retries from multiplying the load on a provider that is already in trouble. Of one process."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: deque[float] = deque(maxlen=CALLS_MAX)
        self._retries: deque[float] = deque(maxlen=CALLS_MAX)

    def called(self) -> None:
        """A call began."""
        self._calls.append(self._clock())

    def spend(self, rule: Retry) -> bool:
        """Whether one more retry is within the budget; it is then counted."""
        since = self._clock() - WINDOW_S
        for times in (self._calls, self._retries):
            while times and times[0] < since:
                times.popleft()
        if len(self._retries) >= rule.budget_min + len(self._calls) * rule.budget_percent / 100:
            return False
        self._retries.append(self._clock())
        return True


def wait_s_before(retry: int, rule: Retry, asked_s: float | None) -> float | None:
    """Seconds before the `retry`-th retry (from 1): full jitter, at least what the provider asked for.

    None where the provider asks for more than the policy's `wait_s_max`: it is not worth waiting.
    """
    if asked_s is not None and asked_s > rule.wait_s_max:
        return None
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = retry
    jittered = wait_random_exponential(multiplier=rule.wait_s_first, max=rule.wait_s_max)(state)
    return max(jittered, asked_s or 0.0)
