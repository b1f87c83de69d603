"""The port of a model provider.

Lifecycle: made in `bootstrap.py`, opened and closed with the app; every method may be called concurrently.
Failure: raises errors of `switchboard.contracts.errors` only, and never with a provider's own words in them. What is
`Unavailable`, `DeadlineExceeded` or `LimitExceeded` may be tried again; `BadConfiguration` may work elsewhere;
`CallerError` would fail everywhere.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from switchboard.contracts.errors import (
    BadConfiguration,
    DeadlineExceeded,
    LimitExceeded,
    SwitchboardError,
    TooLarge,
    Unavailable,
    Unprocessable,
)
from switchboard.contracts.model_errors import CONTENT_FILTER, CONTEXT_LENGTH_EXCEEDED

UNREADABLE = "The model provider gave an answer that cannot be read."
BROKEN_OFF = "The model provider broke off its answer."
TOO_SLOW = "The model provider took too long to answer."


@dataclass(frozen=True, slots=True)
class Times:
    """Bounds of one call in seconds."""

    connect_s: float = 5.0
    first_token_s: float = 30.0
    answer_s: float = 60.0
    """Of an attempt for a whole answer, which shows no first token."""
    between_tokens_s: float = 30.0
    total_s: float = 120.0
    drain_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Call:
    """A request in OpenAI's shape, already checked; `model` is the deployment's name, not the caller's alias."""

    model: str
    body: dict[str, Any]
    id: str = ""
    """Of this attempt; sent as `x-client-request-id`."""
    times: Times = Times()


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens of one call, as the provider counts them. `cached_tokens` are among the prompt's."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
        )

    @property
    def total(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """A whole answer in OpenAI's shape."""

    body: dict[str, Any]
    spent: Spent
    model: str
    finish_reason: str = ""


class EventBytes(Protocol):
    """The bytes of a stream of Server-Sent Events, as they come. One reader."""

    async def read(self) -> bytes:
        """The next bytes, all that are there; empty at the end. Waits without a bound: the reader sets it."""
        ...

    async def finish(self) -> None:
        """Called after the last event, before `close`: reads what is left, briefly. Raises nothing."""
        ...

    async def close(self) -> None:
        """Gives the connection back where everything was read, else stops the provider."""
        ...


class Provider(Protocol):
    @property
    def name(self) -> str:
        """As in OpenTelemetry's `gen_ai.provider.name`."""
        ...

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def chat(self, call: Call) -> ModelAnswer: ...

    async def stream(self, call: Call) -> EventBytes:
        """Returns when the provider accepted the call. The last event before `[DONE]` carries usage."""
        ...

    async def embed(self, call: Call) -> ModelAnswer: ...

    async def spent_on(self, call_id: str) -> Spent | None:
        """What a call that broke off has cost, by its `Call.id`; it costs no more after this. None: it cannot say."""
        ...


class Throttled(LimitExceeded):
    """A provider's 429. `wait_s` is what it asked to wait, None where it asked for nothing."""

    def __init__(self, message: str, *, retry_after_s: int, wait_s: float | None) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.wait_s = wait_s


class Down(Unavailable):
    """A provider that says it does not work. `wait_s` as in `Throttled`."""

    def __init__(self, message: str, *, retry_after_s: int, wait_s: float | None) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.wait_s = wait_s


class KeyRefused(BadConfiguration):
    """A provider's 401 or 403: an operator must act. Another deployment may have a key that works."""


class ContextTooLong(TooLarge):
    """A provider's 400: the messages and tools are longer than its model can read."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = CONTEXT_LENGTH_EXCEEDED


class ContentFiltered(Unprocessable):
    """A provider's 400: its filter refused what it was asked. It is not asked of another, which would go round the filter."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = CONTENT_FILTER


def asked_wait_s(error: SwitchboardError) -> float | None:
    """What the provider asked to wait before the next attempt."""
    return error.wait_s if isinstance(error, Throttled | Down) else None


def is_transient(error: SwitchboardError) -> bool:
    """Whether the same call of the same deployment may succeed a little later."""
    return isinstance(error, Unavailable | DeadlineExceeded | LimitExceeded)


def spent_of(usage: Any) -> Spent:
    """Reads OpenAI's `usage` object; what is missing counts as 0."""
    if not isinstance(usage, dict):
        return Spent()
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    return Spent(
        prompt_tokens=int(usage.get("prompt_tokens") or 0),
        completion_tokens=int(usage.get("completion_tokens") or 0),
        cached_tokens=int(cached or 0),
    )
