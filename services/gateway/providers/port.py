"""The port of a model provider.

Lifecycle: made in `bootstrap.py`, opened and closed with the app; every method may be called concurrently.
Failure: raises errors of `switchboard.contracts.errors` only, and never with a provider's own words in them.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Call:
    """A request in OpenAI's shape, already checked; `model` is the deployment's name, not the caller's alias."""

    model: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens of one call, as the provider counts them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer in OpenAI's shape."""

    body: dict[str, Any]
    spent: Spent
    model: str
    finish_reason: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One streamed event's JSON. Parsed (`body`) only where it carries usage; else forwarded as it came (`data`)."""

    data: bytes = b""
    body: dict[str, Any] | None = field(default=None)


class Provider(Protocol):
    @property
    def name(self) -> str:
        """As in OpenTelemetry's `gen_ai.provider.name`."""
        ...

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def chat(self, call: Call) -> Answer: ...

    async def stream(self, call: Call) -> AsyncIterator[Chunk]:
        """Returns when the provider accepted the call; the last chunk carries usage. Closing the iterator stops it."""
        ...

    async def embed(self, call: Call) -> Answer: ...


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
