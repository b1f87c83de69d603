"""One line of the ledger: an attempt of a model call. Written once, never changed."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict

Outcome = Literal["ok", "failed", "cut", "cancelled", "rejected", "cached"]
"""Of an attempt: `cut` broke off after its first token, `cancelled` was given up by the caller, `rejected` is a small
model's answer that a cascade did not take, `cached` needed no provider."""


class Price(BaseModel):
    """Picodollars a token. Cached tokens are prompt tokens at another price."""

    model_config = ConfigDict(frozen=True)

    prompt: int = 0
    completion: int = 0
    cached: int = 0


class Record(BaseModel):
    """Texts are empty where unknown. Times in seconds since the epoch, UTC."""

    model_config = ConfigDict(frozen=True)

    id: str
    """`<request id>.<attempt>`; unique."""
    at: float
    """When the attempt began."""
    request_id: str
    attempt: int
    trace_id: str = ""
    tenant: str
    user: str
    """By a pseudonym: who it is stands nowhere in the ledger."""
    tier: str = ""
    feature: str = ""
    agent: str = ""
    conversation: str = ""
    turn: str = ""
    operation: str = "chat"
    alias: str
    deployment: str
    provider: str = ""
    model: str = ""
    step: str = ""
    """Of the fallback chain."""
    outcome: Outcome
    error: str = ""
    cache: str = "off"
    """off, miss, exact, semantic or fallback."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    """Of the prompt, as the provider counts them."""
    estimated: bool = False
    """The provider did not say what it served; it was counted from what came."""
    price: Price = Price()
    cost_picousd: int = 0
    duration_ms: float = 0.0
    first_token_ms: float | None = None

    @property
    def day(self) -> str:
        """`2026-11-21`, in UTC."""
        return day_of(self.at)


def day_of(at: float) -> str:
    """The day, `2026-11-21`, of seconds since the epoch."""
    return _day_of(int(at // 86_400))


@lru_cache(maxsize=512)
def _day_of(number: int) -> str:
    return f"{datetime.fromtimestamp(number * 86_400, UTC):%Y-%m-%d}"
