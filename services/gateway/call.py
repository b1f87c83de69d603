"""One model call: what is asked, by whom and for what.

The caller is read from the request's headers, else from its W3C baggage. What its callers say of themselves is believed:
`KnownCallers` let them in. A caller that says nothing is `anonymous`, of the tier that the
policy's `callers.anonymous_tier` names (Free where it names none).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args
from urllib.parse import unquote

from switchboard.contracts import headers
from switchboard.contracts.errors import InvalidRequest

Tier = Literal["free", "developer", "professional", "enterprise", "internal"]
"""`internal` is the system's own work (indexing, warming up): it belongs to no customer and is never rate limited."""
Lane = Literal["interactive", "batch"]
Preference = Literal["fast", "quality", "cheap"]
Cacheable = Literal["", "yes", "no"]
"""`no`: neither answered from a cache nor kept in one. `yes`: the answer is anybody's, whatever tools are offered."""
Operation = Literal["chat", "embeddings"]
StepName = Literal[
    "primary",
    "canary",
    "other_deployment",
    "other_region",
    "cascade",
    "smaller_model",
    "exact_cache",
    "semantic_cache",
    "answer_cache",
    "message",
]
"""Which step of the policy's chain answered a call."""

ANONYMOUS = "anonymous"
VALUE_CHARACTERS_MAX = 128
_BAGGAGE = {headers.TENANT: "tenant.id", headers.CONVERSATION: "conversation.id", headers.TURN: "turn.id"}


@dataclass(frozen=True, slots=True)
class CallOwner:
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


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One request to the gateway, checked. `body` is OpenAI's shape and must not be changed."""

    id: str
    """Unique; sent back as `x-request-id`."""
    operation: Operation
    alias: str
    """What is asked for, after the caller's preference; a budget may put a cheaper one in its place."""
    body: dict[str, Any] = field(repr=False)
    caller: CallOwner
    prompt_tokens: int
    """Estimated before the call, from the size of the prompt (4 characters a token, rounded up)."""
    completion_tokens_max: int
    """The most it may answer with: the caller's `max_tokens`, else the policy's `max_tokens_default`; 0 for embeddings."""

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def wants_usage(self) -> bool:
        """Whether a streamed answer is to end with its usage."""
        options = self.body.get("stream_options")
        return isinstance(options, dict) and bool(cast(dict[str, Any], options).get("include_usage"))


def caller_of(sent: Mapping[str, str], *, anonymous_tier: Tier = "free") -> CallOwner:
    """`sent` are headers with lower-case names. Raises `InvalidRequest` for a tier, lane or preference that does not exist."""
    baggage = _baggage_of(sent.get("baggage", ""))

    def value_of(header: str) -> str:
        raw = sent.get(header, "")
        value = (unquote(raw) if "%" in raw else raw) or baggage.get(_BAGGAGE.get(header, ""), "")
        return value.strip()[:VALUE_CHARACTERS_MAX]

    def one_of(header: str, allowed: tuple[str, ...]) -> str | None:
        value = value_of(header).lower()
        if value and value not in allowed:
            raise InvalidRequest(f"The header {header} must be one of: {', '.join(allowed)}.")
        return value or None

    return CallOwner(
        tenant=value_of(headers.TENANT) or ANONYMOUS,
        user=value_of(headers.USER) or ANONYMOUS,
        tier=cast(Tier, one_of(headers.TIER, get_args(Tier)) or anonymous_tier),
        feature=value_of(headers.FEATURE),
        agent=value_of(headers.AGENT),
        conversation=value_of(headers.CONVERSATION),
        turn=value_of(headers.TURN),
        lane=cast(Lane, one_of(headers.LANE, get_args(Lane)) or "interactive"),
        preference=cast(Preference | None, one_of(headers.PREFERENCE, get_args(Preference))),
        cacheable=cast(Cacheable, one_of(headers.CACHEABLE, ("yes", "no")) or ""),
        knowledge=value_of(headers.KNOWLEDGE),
    )


def _baggage_of(header: str) -> dict[str, str]:
    """The members of a W3C baggage header, without their properties."""
    if not header:
        return {}
    members = (member.partition(";")[0].partition("=") for member in header.split(","))
    return {name.strip(): unquote(value.strip()) for name, mark, value in members if mark}
