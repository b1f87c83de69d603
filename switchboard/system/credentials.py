"""The secrets of one run, made when it starts: between its processes, and for programs that its run file lets in."""

import secrets
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class Credentials:
    """Made anew for each run."""

    redis_password: str = field(default="", repr=False)
    """Empty where a Redis of somebody else's wants none."""
    otlp_token: str = field(default="", repr=False)
    """With which the console takes spans."""
    gateway_key: str = field(default="", repr=False)
    """With which a program without a sidecar calls the gateway."""

    @classmethod
    def made(cls, *, redis_password: str | None = None) -> Self:
        """New ones; `redis_password` is that of somebody else's Redis."""
        return cls(new() if redis_password is None else redis_password, new(), new())


def new() -> str:
    """A secret of 24 random bytes, as text that needs no quoting anywhere."""
    return secrets.token_urlsafe(24)
