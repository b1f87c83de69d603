"""How each deployment does, as this process sees it: latency, errors and 429s of the last minute, calls under way."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from services.gateway.providers.port import KeyRefused, asked_wait_s, is_transient
from switchboard.contracts.errors import LimitExceeded, SwitchboardError

WINDOW_S = 60.0
EVENTS_MAX = 10_000
EWMA_WEIGHT = 0.2
"""Of the newest latency in the average."""
COOLING_S_MAX = 60.0
COOLING_S_DEFAULT = 1.0
KEY_REFUSED_S = 60.0
"""How long a deployment whose key was refused is asked last: a new key is found within a minute."""

Clock = Callable[[], float]


@dataclass(slots=True)
class DeploymentHealth:
    """One deployment's figures. `ewma_ms` is the time to the first token, or of a whole answer; None: not called yet."""

    ewma_ms: float | None = None
    calls_now: int = 0
    cooling_until: float = 0.0
    key_refused_until: float = 0.0
    events: deque[tuple[float, float, str]] = field(default_factory=lambda: deque(maxlen=EVENTS_MAX))
    """(when, milliseconds, code of the error or empty) of finished attempts."""


class Health:
    """Of all deployments, by name."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._of: dict[str, DeploymentHealth] = {}

    def of(self, name: str) -> DeploymentHealth:
        found = self._of.get(name)
        if found is None:
            found = self._of[name] = DeploymentHealth()
        return found

    def succeeded(self, name: str, latency_ms: float) -> None:
        health = self.of(name)
        health.key_refused_until = 0.0
        before = health.ewma_ms
        health.ewma_ms = latency_ms if before is None else before + EWMA_WEIGHT * (latency_ms - before)
        health.events.append((self._clock(), latency_ms, ""))

    def failed(self, name: str, latency_ms: float, error: SwitchboardError) -> None:
        """Whoever asked to be left alone, or does not know our key, is asked last for a while."""
        health = self.of(name)
        now = self._clock()
        health.events.append((now, latency_ms, error.code))
        if isinstance(error, LimitExceeded) and is_transient(error):
            wait_s = asked_wait_s(error)
            health.cooling_until = now + min(COOLING_S_DEFAULT if wait_s is None else wait_s, COOLING_S_MAX)
        if isinstance(error, KeyRefused):
            health.key_refused_until = now + KEY_REFUSED_S

    def forgive(self, name: str) -> None:
        """Calls a deployment again that asked to be left alone, or whose key was refused."""
        self.of(name).cooling_until = self.of(name).key_refused_until = 0.0

    def is_cooling(self, name: str) -> bool:
        """Whether it asked, by a 429, not to be called yet."""
        found = self._of.get(name)
        return found is not None and found.cooling_until > self._clock()

    def is_key_refused(self, name: str) -> bool:
        """Whether the provider does not accept our key: an operator must act."""
        found = self._of.get(name)
        return found is not None and found.key_refused_until > self._clock()

    def figures(self, name: str) -> dict[str, Any]:
        """For `/admin/providers`: rates from 0 to 1, latencies in milliseconds, of the last minute."""
        health = self.of(name)
        since = self._clock() - WINDOW_S
        while health.events and health.events[0][0] < since:
            health.events.popleft()
        count = len(health.events)
        throttled = sum(1 for _, _, code in health.events if code == LimitExceeded.code)
        errors = sum(1 for _, _, code in health.events if code) - throttled
        fine = sorted(latency_ms for _, latency_ms, code in health.events if not code)
        return {
            "calls": count,
            "calls_now": health.calls_now,
            "error_rate": round(errors / count, 4) if count else 0.0,
            "throttled_rate": round(throttled / count, 4) if count else 0.0,
            "latency_ms_ewma": None if health.ewma_ms is None else round(health.ewma_ms, 2),
            "latency_ms_p50": _quantile(fine, 0.5),
            "latency_ms_p95": _quantile(fine, 0.95),
            "cooling_s": round(max(0.0, health.cooling_until - self._clock()), 2),
        }


def _quantile(values: list[float], share: float) -> float | None:
    return round(values[min(len(values) - 1, int(share * len(values)))], 2) if values else None
