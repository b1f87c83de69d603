"""`tiers` and `contracts` of `gateway.yaml`: how much of the gateway a tenant and each of its users may use."""

from dataclasses import dataclass
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from services.gateway.call import Tier
from services.gateway.money.budgets import BudgetsPolicy

UNLIMITED = -1


class Allowance(BaseModel):
    """Of one tenant or one user; None: no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requests_per_minute: int | None = Field(default=None, ge=0, le=10**9)
    tokens_per_minute: int | None = Field(default=None, ge=0, le=10**12)
    streams: int | None = Field(default=None, ge=0, le=10**6)
    """Streamed answers at the same time."""

    @cached_property
    def numbers(self) -> tuple[int, int, int]:
        """Requests, tokens, streams; `UNLIMITED` where there is no limit."""
        limits = (self.requests_per_minute, self.tokens_per_minute, self.streams)
        requests, tokens, streams = (UNLIMITED if limit is None else limit for limit in limits)
        return requests, tokens, streams

    @cached_property
    def is_unlimited(self) -> bool:
        return self.requests_per_minute is None and self.tokens_per_minute is None and self.streams is None


class TierAllowance(Allowance):
    """A tier's numbers. They hold for the tenant as a whole and, where `user` does not say less, for each user."""

    user: Allowance | None = None


def default_tiers() -> dict[Tier, TierAllowance]:
    """What holds for tiers that the file does not name."""
    return {
        "free": TierAllowance(requests_per_minute=10, tokens_per_minute=10_000, streams=1),
        "developer": TierAllowance(requests_per_minute=60, tokens_per_minute=100_000, streams=5),
        "professional": TierAllowance(requests_per_minute=300, tokens_per_minute=500_000, streams=20),
        # An enterprise without a contract yet is served as a professional; its contract says more.
        "enterprise": TierAllowance(requests_per_minute=300, tokens_per_minute=500_000, streams=20),
    }


class LimitsPolicy(BaseModel):
    """The two sections. A contract of a tenant stands above the tier of its keys, for all of its users."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tiers: dict[Tier, TierAllowance] = Field(default_factory=default_tiers)
    contracts: dict[str, TierAllowance] = Field(default_factory=dict[str, TierAllowance], max_length=100_000)

    def allowed(self, tenant: str, tier: Tier) -> "Allowed":
        """What `tenant` may use with a key of `tier`. `internal` is never limited."""
        contract = self.contracts.get(tenant)
        if contract is not None:
            return Allowed("contract", contract, contract.user or contract)
        if tier == "internal":
            return _INTERNAL
        found = self.tiers.get(tier) or default_tiers()[tier]
        return Allowed(tier, found, found.user or found)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What holds for one call. Tenants whose keys are of several tiers have one count a tier: `plan` tells them apart."""

    plan: str
    tenant: Allowance
    user: Allowance


_INTERNAL = Allowed("internal", Allowance(), Allowance())


@dataclass(frozen=True, slots=True)
class Rules:
    """What is in force now; asked for anew by each call, so that a reloaded policy holds at once."""

    limits: LimitsPolicy
    budgets: BudgetsPolicy
