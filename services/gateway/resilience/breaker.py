"""A circuit breaker per deployment: 5 failures in 60 s open it, 30 s later one call may probe (by the policy's rule).

closed ──failures──▶ open ──open_s──▶ half_open ──probe works──▶ closed
                      ▲──────probe fails──────────┘

Each process decides from its own memory, so no call waits for Redis; `shared_breaker.py` keeps the replicas alike.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from services.gateway.policy.models import BreakerRule

State = Literal["closed", "open", "half_open"]
Clock = Callable[[], float]


@dataclass(slots=True)
class Circuit:
    """One deployment's state. Times are the clock's seconds."""

    failures: deque[float] = field(default_factory=lambda: deque[float](maxlen=1_000))
    open_until: float | None = None
    """None while closed."""
    probing_until: float = 0.0
    """A probe is under way, at the longest until then."""


class Replicas(Protocol):
    """The other replicas, and what they are to know. Must not wait, apart from `claim`."""

    def failed(self, name: str) -> None: ...

    def recovered(self, name: str) -> None: ...

    async def claim(self, name: str) -> bool:
        """Whether this replica may probe. True where that cannot be settled in time."""
        ...


class SingleReplica:
    """There are no others."""

    def failed(self, name: str) -> None:
        del name

    def recovered(self, name: str) -> None:
        del name

    async def claim(self, name: str) -> bool:
        del name
        return True


class Breakers:
    """The circuits of this process, by deployment."""

    def __init__(self, rule: BreakerRule, *, clock: Clock = time.monotonic) -> None:
        self.rule = rule
        self.replicas: Replicas = SingleReplica()
        self._clock = clock
        self._circuits: dict[str, Circuit] = {}

    def state(self, name: str) -> State:
        circuit = self._circuits.get(name)
        if circuit is None or circuit.open_until is None:
            return "closed"
        return "open" if self._clock() < circuit.open_until else "half_open"

    def opens_in_s(self, name: str) -> float:
        """Until the next probe; 0 where calls are let through."""
        circuit = self._circuits.get(name)
        if circuit is None or circuit.open_until is None:
            return 0.0
        return max(0.0, circuit.open_until - self._clock())

    def is_open(self, name: str) -> bool:
        """No call, now. Half-open counts as open while its probe is under way."""
        state = self.state(name)
        return state == "open" or (state == "half_open" and self._circuits[name].probing_until > self._clock())

    async def admit(self, name: str) -> bool:
        """Whether a call may go out. In `half_open` only one may; it has to end in `succeeded`, `failed` or `released`."""
        state = self.state(name)
        if state == "closed":
            return True
        if state == "open" or self.is_open(name):
            return False
        circuit = self._circuits[name]
        circuit.probing_until = self._clock() + self.rule.open_s  # first: nobody else comes in while we ask
        return await self.replicas.claim(name)

    def succeeded(self, name: str) -> None:
        circuit = self._circuits.get(name)
        if circuit is not None and circuit.open_until is not None and circuit.probing_until:
            self.close(name)
            self.replicas.recovered(name)

    def failed(self, name: str) -> None:
        circuit = self._circuits.setdefault(name, Circuit())
        now = self._clock()
        self.replicas.failed(name)
        if circuit.open_until is not None:
            if now >= circuit.open_until:  # the probe failed
                self.open(name, self.rule.open_s)
            return
        circuit.failures.append(now)
        while circuit.failures and circuit.failures[0] <= now - self.rule.window_s:
            circuit.failures.popleft()
        if len(circuit.failures) >= self.rule.failures:
            self.open(name, self.rule.open_s)

    def released(self, name: str) -> None:
        """A probe that told nothing about the deployment: the caller went away, or its request was wrong."""
        circuit = self._circuits.get(name)
        if circuit is not None:
            circuit.probing_until = 0.0

    def open(self, name: str, seconds: float) -> None:
        circuit = self._circuits.setdefault(name, Circuit())
        circuit.open_until = self._clock() + seconds
        circuit.probing_until = 0.0
        circuit.failures.clear()

    def close(self, name: str) -> None:
        self._circuits.pop(name, None)

    def reset(self, name: str) -> None:
        """Closes it by hand, for all replicas."""
        self.close(name)
        self.replicas.recovered(name)
