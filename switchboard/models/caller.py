"""Whom a model call is for: what the gateway limits, charges, schedules and traces it by."""

from dataclasses import dataclass, replace
from typing import Literal, Self
from urllib.parse import quote

from switchboard.contracts import headers
from switchboard.contracts.turns import Principal

Lane = Literal["interactive", "batch"]
"""Whether somebody waits for the answer."""

INTERNAL_TENANT = "switchboard"
INTERNAL_TIER = "internal"
"""Of the system's own work: it is never rate limited."""
VALUE_CHARACTERS_MAX = 128
PLAIN_CHARACTERS = " !#$&'()*+,-./:;<=>?@[]^_`{|}~"
"""Besides letters and digits, what a header carries as it stands; everything else is percent-encoded."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An argument of every model call. Make it with `of_turn` or `internal`."""

    tenant: str
    tier: str
    feature: str
    user: str = ""
    agent: str = ""
    conversation: str = ""
    turn: str = ""
    lane: Lane = "interactive"
    cacheable: bool = True
    """False: the answer is one customer's alone, and is neither kept for others nor taken from theirs."""

    @classmethod
    def of_turn(
        cls,
        principal: Principal,
        *,
        feature: str,
        conversation: str,
        turn: str = "",
        agent: str = "",
        lane: Lane = "interactive",
    ) -> Self:
        """Of a call that is a part of answering `principal`."""
        return cls(principal.tenant, principal.tier, feature, principal.user, agent, conversation, turn, lane)

    @classmethod
    def internal(
        cls,
        *,
        feature: str,
        tenant: str = INTERNAL_TENANT,
        user: str = "",
        agent: str = "",
        conversation: str = "",
        lane: Lane = "interactive",
    ) -> Self:
        """Of the system's own work; `tenant` pays for what is done with its data."""
        return cls(tenant, INTERNAL_TIER, feature, user, agent, conversation, lane=lane)

    def uncached(self) -> Self:
        """The same caller, of a call whose prompt holds one customer's words."""
        return replace(self, cacheable=False)

    @property
    def headers(self) -> dict[str, str]:
        """What the gateway reads; what is empty is left out."""
        values = {
            headers.TENANT: self.tenant,
            headers.TIER: self.tier,
            headers.FEATURE: self.feature,
            headers.USER: self.user,
            headers.AGENT: self.agent,
            headers.CONVERSATION: self.conversation,
            headers.TURN: self.turn,
            headers.LANE: self.lane,
            headers.CACHEABLE: "" if self.cacheable else "no",
        }
        return {
            name: quote(value[:VALUE_CHARACTERS_MAX], safe=PLAIN_CHARACTERS) for name, value in values.items() if value
        }
