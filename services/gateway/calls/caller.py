"""Who makes a model call, and for what: read from the request's headers, else from its W3C baggage.

The gateway is reached from inside the system only, so what its callers say of themselves is believed. A caller that
says nothing is `anonymous`, of the tier that the policy's `callers.anonymous_tier` names (Free where it names none).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args
from urllib.parse import unquote

from switchboard.contracts.errors import InvalidRequest

Tier = Literal["free", "developer", "professional", "enterprise", "internal"]
"""`internal` is the system's own work (indexing, warming up): it belongs to no customer and is never rate limited."""
Lane = Literal["interactive", "batch"]
Preference = Literal["fast", "quality", "cheap"]
Cacheable = Literal["", "yes", "no"]
"""`no`: neither answered from a cache nor kept in one. `yes`: the answer is anybody's, whatever tools are offered."""

ANONYMOUS = "anonymous"
VALUE_CHARACTERS_MAX = 128
_PREFIX = "x-switchboard-"
_BAGGAGE = {"tenant": "tenant.id", "conversation": "conversation.id", "turn": "turn.id"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose call it is. Texts are at most `VALUE_CHARACTERS_MAX` long; empty where unknown."""

    tenant: str = ANONYMOUS
    user: str = ANONYMOUS
    tier: Tier = "free"
    feature: str = ""
    """What the call is for: `chat`, `jobs`, `knowledge`, `routing`, ..."""
    agent: str = ""
    conversation: str = ""
    turn: str = ""
    lane: Lane = "interactive"
    preference: Preference | None = None
    cacheable: Cacheable = ""
    knowledge: str = ""
    """The version of the knowledge that the answer rests on: cached answers of another version do not serve."""


def caller_of(headers: Mapping[str, str], *, anonymous_tier: Tier = "free") -> Caller:
    """`headers` with lower-case names. Raises `InvalidRequest` for a tier, lane or preference that does not exist."""
    baggage = _baggage_of(headers.get("baggage", ""))

    def said(name: str) -> str:
        sent = headers.get(_PREFIX + name, "")
        value = (unquote(sent) if "%" in sent else sent) or baggage.get(_BAGGAGE.get(name, ""), "")
        return value.strip()[:VALUE_CHARACTERS_MAX]

    return Caller(
        tenant=said("tenant") or ANONYMOUS,
        user=said("user") or ANONYMOUS,
        tier=cast(Tier, _one_of(said("tier"), get_args(Tier), "x-switchboard-tier") or anonymous_tier),
        feature=said("feature"),
        agent=said("agent"),
        conversation=said("conversation"),
        turn=said("turn"),
        lane=cast(Lane, _one_of(said("lane"), get_args(Lane), "x-switchboard-lane") or "interactive"),
        preference=cast(
            Preference | None,
            _one_of(headers.get("x-model-preference", "").strip(), get_args(Preference), "X-Model-Preference"),
        ),
        cacheable=cast(Cacheable, _one_of(said("cacheable"), ("yes", "no"), "x-switchboard-cacheable") or ""),
        knowledge=said("knowledge"),
    )


def _one_of(value: str, allowed: tuple[str, ...], header: str) -> str | None:
    if not value:
        return None
    if value.lower() not in allowed:
        raise InvalidRequest(f"The header {header} must be one of: {', '.join(allowed)}.")
    return value.lower()


def _baggage_of(header: str) -> dict[str, str]:
    """The members of a W3C baggage header, without their properties."""
    if not header:
        return {}
    members = (member.partition(";")[0].partition("=") for member in header.split(","))
    return {name.strip(): unquote(value.strip()) for name, mark, value in members if mark}
