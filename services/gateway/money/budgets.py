"""`budgets` of `gateway.yaml`: what tenants, turns and conversations may spend. Money in US dollars."""

from decimal import Decimal
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from switchboard.contracts.money import picousd_of

UNLIMITED = -1


class HardBudget(BaseModel):
    """Of one turn or one conversation, over all of its model calls; None: no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tokens: int | None = Field(default=None, ge=0, le=10**12)
    calls: int | None = Field(default=None, ge=0, le=10**9)
    seconds: float | None = Field(default=None, ge=0, le=10**7)
    """Of model time: what its calls took, added up."""
    usd: Decimal | None = Field(default=None, ge=0, le=9_000)

    @cached_property
    def picousd(self) -> int:
        return UNLIMITED if self.usd is None else picousd_of(self.usd)

    @cached_property
    def ms(self) -> int:
        return UNLIMITED if self.seconds is None else round(self.seconds * 1000)

    @cached_property
    def numbers(self) -> tuple[int, int, int, int]:
        """Tokens, calls, milliseconds, picodollars; `UNLIMITED` where there is no limit."""
        tokens, calls = (UNLIMITED if limit is None else limit for limit in (self.tokens, self.calls))
        return tokens, calls, self.ms, self.picousd


class TenantBudget(BaseModel):
    """Money of one tenant; None: no limit. Days and months are UTC's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    day_usd: Decimal | None = Field(default=None, ge=0, le=9_000)
    month_usd: Decimal | None = Field(default=None, ge=0, le=9_000)
    at_limit: Literal["downgrade", "refuse"] = "downgrade"
    """What happens to calls when it is spent: the alias `downgrade_to` answers them, or nobody does."""

    @cached_property
    def day_picousd(self) -> int:
        return UNLIMITED if self.day_usd is None else picousd_of(self.day_usd)

    @cached_property
    def month_picousd(self) -> int:
        return UNLIMITED if self.month_usd is None else picousd_of(self.month_usd)


class BudgetsPolicy(BaseModel):
    """The whole section."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    downgrade_to: str = "cheap"
    tenant: TenantBudget = Field(default_factory=TenantBudget)
    """Of tenants that are not named in `tenants`."""
    tenants: dict[str, TenantBudget] = Field(default_factory=dict[str, TenantBudget], max_length=100_000)
    turn: HardBudget = Field(default_factory=HardBudget)
    conversation: HardBudget = Field(default_factory=HardBudget)

    def of(self, tenant: str) -> TenantBudget:
        return self.tenants.get(tenant, self.tenant)

    @property
    def can_downgrade(self) -> bool:
        """Whether a spent budget may ever put `downgrade_to` in another alias's place."""
        return any(
            budget.at_limit == "downgrade" and (budget.day_usd is not None or budget.month_usd is not None)
            for budget in (self.tenant, *self.tenants.values())
        )
