"""What a call passes through beside the providers: caches, limits and the ledger, as ports.

Their adapters are made in `bootstrap.py`, opened and closed with the app, and shared by concurrent calls. `calls.py`
says in which order they are asked. The null adapters below stand in for what is not configured.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol

from services.gateway.calls.caller import Caller
from services.gateway.providers.port import Spent
from switchboard.ledger.record import Price

Operation = Literal["chat", "embeddings"]
CacheState = Literal["off", "miss", "exact", "semantic", "fallback"]
Outcome = Literal["ok", "failed", "cut", "cancelled", "rejected", "cached"]
"""Of an attempt: `cut` broke off after its first token, `cancelled` was given up by the caller, `rejected` is a small
model's answer that a cascade did not take, `cached` needed no provider."""


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One request to the gateway, checked. `body` is OpenAI's shape and must not be changed."""

    id: str
    """Unique; sent back as `x-request-id`."""
    operation: Operation
    alias: str
    """What is asked for, after the caller's preference; a budget may put a cheaper one in its place."""
    body: dict[str, Any] = field(repr=False)
    caller: Caller
    prompt_tokens: int
    """Estimated before the call, from the size of the prompt (4 characters a token, rounded up)."""
    completion_tokens_max: int
    """The most it may answer with: the caller's `max_tokens`, else the policy's `max_tokens_default`; 0 for embeddings."""

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream"))


@dataclass(frozen=True, slots=True)
class CacheHit:
    """An answer from a cache: a whole `chat.completion` (or embeddings list) in OpenAI's shape, its usage as it was."""

    body: dict[str, Any]
    state: CacheState
    saved: Spent
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look into the caches found. `ticket` is the cache's own (fingerprint, vector); None: do not store."""

    hit: CacheHit | None = None
    ticket: Any = None
    state: CacheState = "miss"
    headers: dict[str, str] = field(default_factory=dict[str, str])
    """Response headers that tell the decision."""


class Cache(Protocol):
    """Exact, embedding and semantic caches behind one door. Never raises: a cache that fails is a miss, and logged."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def look(self, call: ModelCall) -> Looked: ...

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

    async def settle(self, cost_usd: Decimal, tokens: int) -> None:
        """What all of its attempts spent; `cost_usd` is exact. Called once, however the call ended; does not wait."""
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


@dataclass(frozen=True, slots=True)
class Attempt:
    """One line of the ledger: a call of one deployment, or an answer out of a cache."""

    id: str
    """`<call id>.<n>`, n from 1; the provider gets it as `x-request-id`."""
    call: ModelCall
    deployment: str
    provider: str
    model: str
    step: str
    outcome: Outcome
    error: str
    """The code of our error, empty where there was none."""
    spent: Spent
    estimated: bool
    """The provider did not say what it spent; it was counted from what came."""
    cost_usd: Decimal
    """Exact, not rounded: tokens times the deployment's price."""
    cache: CacheState
    started_at: float
    """Seconds since the epoch."""
    duration_ms: float
    first_token_ms: float | None = None
    price: Price = field(default_factory=Price)
    """By which `cost_usd` was reckoned."""


class Ledger(Protocol):
    """Append-only. `record` must not wait: a call never does for its bookkeeping."""

    async def open(self) -> None: ...

    async def close(self) -> None:
        """Writes what is still waiting."""
        ...

    def record(self, attempt: Attempt) -> None: ...


class _Nothing:
    async def open(self) -> None: ...

    async def close(self) -> None: ...


class NoCache(_Nothing):
    async def look(self, call: ModelCall) -> Looked:
        del call
        return _NOT_LOOKED

    async def store(self, ticket: Any, body: dict[str, Any], spent: Spent) -> None:
        del ticket, body, spent

    async def nearest(self, call: ModelCall, *, score_min: float) -> CacheHit | None:
        del call, score_min
        return None


_NOT_LOOKED = Looked(state="off")


@dataclass(frozen=True, slots=True)
class FreeAdmission:
    alias: str
    seconds_left: float | None = None

    async def settle(self, cost_usd: Decimal, tokens: int) -> None:
        del cost_usd, tokens


class NoLimits(_Nothing):
    async def admit(self, call: ModelCall) -> FreeAdmission:
        return FreeAdmission(call.alias)


class NoLedger(_Nothing):
    def record(self, attempt: Attempt) -> None:
        del attempt
