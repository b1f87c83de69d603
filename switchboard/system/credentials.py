"""The secrets of one run, made when it starts: between its processes, and for programs that its run file lets in."""

import secrets
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class Credentials:
    """Empty where there is none: a Redis of somebody else's may want no password, spans may go to somebody else's collector."""

    redis_password: str = field(default="", repr=False)
    otlp_token: str = field(default="", repr=False)
    """With which the console takes spans."""
    gateway_key: str = field(default="", repr=False)
    """With which a program without a sidecar calls the gateway."""

    @classmethod
    def made(cls, *, redis_password: str | None, otlp_token: str | None) -> Self:
        """New ones, but for those that are given."""
        return cls(
            redis_password=new() if redis_password is None else redis_password,
            otlp_token=new() if otlp_token is None else otlp_token,
            gateway_key=new(),
        )


def new() -> str:
    """A secret of 24 random bytes, as text that needs no quoting anywhere."""
    return secrets.token_urlsafe(24)
