"""Tells the gateway whose model call it is: headers that every client of ours sends, taken from the turn in hand."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Literal
from urllib.parse import quote

from switchboard.contracts.turns import Principal

INTERNAL = MappingProxyType({"x-switchboard-tenant": "switchboard", "x-switchboard-tier": "internal"})
"""Of the system's own work (indexing, warming up): no customer's, so never rate limited."""
VALUE_CHARACTERS_MAX = 128

_headers: ContextVar[MappingProxyType[str, str]] = ContextVar("switchboard_model_caller", default=INTERNAL)


@contextmanager
def calling_for(
    principal: Principal,
    *,
    feature: str,
    agent: str = "",
    conversation: str = "",
    turn: str = "",
    lane: Literal["interactive", "batch"] = "interactive",
) -> Iterator[None]:
    """Model calls made inside belong to `principal`. Enter and leave it in the same task."""
    told = {
        "tenant": principal.tenant,
        "user": principal.user,
        "tier": principal.tier,
        "feature": feature,
        "agent": agent,
        "conversation": conversation,
        "turn": turn,
        "lane": lane,
    }
    with _telling(told):
        yield


@contextmanager
def working_for(tenant: str, user: str, *, feature: str, conversation: str = "") -> Iterator[None]:
    """Model calls made inside are the system's own work on what is `tenant`'s: its cost, and never rate limited."""
    with _telling(
        {
            "tenant": tenant,
            "user": user,
            "tier": "internal",
            "feature": feature,
            "conversation": conversation,
            "lane": "batch",
        }
    ):
        yield


@contextmanager
def _telling(told: Mapping[str, str]) -> Iterator[None]:
    headers = {f"x-switchboard-{name}": _plain(value) for name, value in told.items() if value}
    token = _headers.set(MappingProxyType(headers))
    try:
        yield
    finally:
        _headers.reset(token)


def caller_headers() -> MappingProxyType[str, str]:
    """What to send with a model call made now."""
    return _headers.get()


def _plain(value: str) -> str:
    """Fit for a header: percent-encoded where it is not plain ASCII."""
    return quote(value[:VALUE_CHARACTERS_MAX], safe=" !#$&'()*+,-./:;<=>?@[]^_`{|}~")
