"""What a call passes through beside the providers: caches, limits and the ledger, as ports.

Their adapters are made in `bootstrap.py`, opened and closed with the app, and shared by concurrent calls. `life.py` says in
which order they are asked.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from services.gateway.call import ModelCall
from services.gateway.providers.port import Spent
from switchboard.ledger.record import Record

CacheState = Literal["off", "miss", "exact", "semantic", "fallback"]


@dataclass(frozen=True, slots=True)
class CacheHit:
    """An answer from a cache: a whole `chat.completion` (or embeddings list) in OpenAI's shape, its usage as it was."""

    body: dict[str, Any]
    state: CacheState
    saved: Spent
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class CacheLookup:
    """What a look into the caches gave. `ticket` is the cache's own (fingerprint, vector); None: do not store."""

    hit: CacheHit | None = None
    ticket: Any = None
    state: CacheState = "miss"
    headers: dict[str, str] = field(default_factory=dict[str, str])
    """Response headers that say why."""


class Cache(Protocol):
    """Exact, embedding and semantic caches behind one door. Never raises: a cache that fails is a miss, and logged."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def look(self, call: ModelCall) -> CacheLookup: ...

    async def store(self, ticket: Any, body: dict[str, Any], spent: Spent) -> None:
        """Keeps a whole, successful answer. Runs in the background, after the last byte went to the caller."""
        ...

    async def nearest(self, call: ModelCall, *, score_min: float) -> CacheHit | None:
        """For the fallback chain: the best cached answer at a lower threshold (0.88), when no model answers."""
        ...


class Admission(Protocol):
    """A call that limits and budgets let pass, and what they hold for it."""

    @property
    def alias(self) -> str:
        """What to call: the alias asked for, or the cheaper one of a spent budget."""
        ...

    @property
    def seconds_left(self) -> float | None:
        """Of its turn's or conversation's model time; None: no limit."""
        ...

    async def settle(self, cost_picousd: int, tokens: int) -> None:
        """What all of its attempts spent. Called once, however the call ended; does not wait."""
        ...


class Limits(Protocol):
    """What tenants, users, turns and conversations may use and spend, shared by all replicas."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def admit(self, call: ModelCall) -> Admission:
        """Holds a request, `prompt_tokens + completion_tokens_max`, their price, and for a stream a stream.

        Raises `LimitExceeded` with what was exceeded and when to try again.
        """
        ...


class Ledger(Protocol):
    """Append-only. `record` must not wait: a call never does for its bookkeeping."""

    async def open(self) -> None: ...

    async def close(self) -> None:
        """Writes what is still waiting."""
        ...

    def record(self, record: Record) -> None: ...
