"""The shape of `gateway.yaml`. `docs/gateway.md` describes every key for operators."""

from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from services.gateway.caching.policy import CacheRule
from services.gateway.call import Lane, Tier
from services.gateway.money.budgets import BudgetsPolicy
from services.gateway.money.limits.tiers import LimitsPolicy, Rules, TierAllowance, default_tiers
from switchboard.contracts.money import PICOUSD_PER_MICROUSD
from switchboard.ledger import record as ledger

Kind = Literal["openai", "azure_openai", "embedded", "simulated"]
Capability = Literal["chat", "tools", "vision", "json_schema", "embeddings"]
Routing = Literal["priority", "weighted", "latency", "active_active"]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,127}$")]
Seconds = Annotated[float, Field(gt=0, le=3_600)]
Location = tuple[str | int, ...]

BUILT_IN = ("azure_openai", "openai", "embedded")
"""Providers that are there without being named under `providers`, as far as the environment configures them."""


class Part(BaseModel):
    """A part of the file: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ProviderInstance(Part):
    """A named provider: several of a kind may be used beside each other. Keys stay in the environment."""

    kind: Kind
    base_url: str | None = None
    base_url_env: EnvironmentName | None = None
    key_env: EnvironmentName | None = None
    api_version: str | None = None
    identity: Literal["key", "managed"] = "key"
    """Of `azure_openai`: `managed` signs in with the machine's Microsoft Entra identity instead of a key."""
    identity_client_id: str | None = None
    model: str | None = None
    """The model of deployments that name none."""


class PricePerMillion(Part):
    """US dollars a million tokens. Without a price, the bundled list of `genai-prices` is asked."""

    input: Annotated[Decimal, Field(ge=0)]
    output: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    cached_input: Annotated[Decimal, Field(ge=0)] | None = None

    @cached_property
    def per_token(self) -> ledger.Price:
        """In picodollars a token: US dollars a million tokens are micro-dollars a token."""
        cached = self.input if self.cached_input is None else self.cached_input
        prompt, completion, cached = (
            round(price * PICOUSD_PER_MICROUSD) for price in (self.input, self.output, cached)
        )
        return ledger.Price(prompt=prompt, completion=completion, cached=cached)


class Deployment(Part):
    """A model at a provider."""

    provider: str
    model: str | None = None
    region: str = ""
    weight: Annotated[float, Field(gt=0, le=10_000)] = 1.0
    priority: Annotated[int, Field(ge=0, le=1_000)] = 0
    price: PricePerMillion | None = None
    context_tokens: Annotated[int, Field(gt=0)] | None = None
    capabilities: frozenset[Capability] | None = None
    """None: not known, so nothing is ruled out."""
    stand_in: bool = False
    """Serves only where none of the alias's other deployments is configured; it is never failed over to."""


class Canary(Part):
    """A deployment that a stable share of the callers gets first."""

    deployment: Name
    percent: Annotated[float, Field(gt=0, le=100)] = 5.0


class CascadeChecks(Part):
    """When a small model's answer is not taken."""

    tool_needed: bool = True
    """`tool_choice` asks for a tool and none is called."""
    refusal: bool = True
    characters_min: Annotated[int, Field(ge=0, le=10_000)] = 1
    """Shorter texts without a tool call are not taken."""


class Cascade(Part):
    """The small model is asked first, the alias's own deployments when its answer fails a check."""

    first: Name
    checks: CascadeChecks = CascadeChecks()


class Fallback(Part):
    """What follows when no deployment of an alias answers, in this order."""

    alias: Name | None = None
    """A smaller model."""
    answer_cache: Annotated[float, Field(gt=0, le=1)] | None = None
    """The lowest similarity of a cached answer that is given with a banner (0.88 is tried)."""
    message: bool = False
    """Answer with a polite sentence that offers a ticket, instead of an error."""
    features: frozenset[str] | None = None
    """Cached answers and messages only for calls of these features (`x-switchboard-feature`); None: for all."""


class Alias(Part):
    deployments: Annotated[tuple[Name, ...], Field(min_length=1, max_length=20)]
    routing: Routing = "priority"
    cascade: Cascade | None = None
    canary: Canary | None = None
    fallback: Fallback = Fallback()


class Timeouts(Part):
    """Seconds. None: the setting of the same name (`SWITCHBOARD_MODEL_CONNECT_S`, ...)."""

    connect_s: Seconds | None = None
    first_token_s: Seconds | None = None
    answer_s: Seconds | None = None
    """Of one attempt for an answer that is not streamed; half of `total_s` where it is not given."""
    between_tokens_s: Seconds | None = None
    total_s: Seconds | None = None
    drain_s: Annotated[float, Field(ge=0, le=60)] | None = None
    """How long a stream that its caller gave up is still read, to learn what it cost."""


class Retry(Part):
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """Of one step of the chain: an alias's deployments, then its fallback's."""
    wait_s_first: Annotated[float, Field(ge=0, le=60)] = 0.2
    """The bound of the first pause; each further one doubles it, and the pause is any time up to it (full jitter)."""
    wait_s_max: Annotated[float, Field(ge=0, le=60)] = 3.0
    """Also the longest `Retry-After` that is waited for."""
    budget_percent: Annotated[float, Field(ge=0, le=100)] = 20.0
    """Repeated calls of a deployment, in percent of the calls of the last 10 seconds; `budget_min` are always allowed."""
    budget_min: Annotated[int, Field(ge=0, le=10_000)] = 10


class BreakerRule(Part):
    failures: Annotated[int, Field(ge=1, le=1_000)] = 5
    window_s: Seconds = 60.0
    open_s: Seconds = 30.0


class LaneRule(Part):
    calls: Annotated[int, Field(ge=1, le=10_000)]
    queue: Annotated[int, Field(ge=0, le=100_000)]
    wait_s: Seconds = 5.0


class BulkheadsRule(Part):
    """Of one gateway process."""

    lanes: dict[Lane, LaneRule] = Field(
        default_factory=lambda: {
            "interactive": LaneRule(calls=256, queue=512),
            "batch": LaneRule(calls=8, queue=64, wait_s=30.0),
        }
    )
    tiers: dict[Tier, Annotated[int, Field(ge=1, le=10_000)]] = Field(default_factory=dict[Tier, int])
    """Concurrent calls of all callers of a tier; none: only the lane bounds them."""

    @field_validator("lanes")
    @classmethod
    def _both_lanes(cls, lanes: dict[Lane, LaneRule]) -> dict[Lane, LaneRule]:
        if set(lanes) != {"interactive", "batch"}:
            raise ValueError("both lanes, interactive and batch, must be given")
        return lanes


class Callers(Part):
    anonymous_tier: Tier = "free"


class Policy(Part):
    """The whole file."""

    version: Literal[1]
    providers: dict[Name, ProviderInstance] = Field(default_factory=dict[str, ProviderInstance], max_length=50)
    deployments: dict[Name, Deployment] = Field(min_length=1, max_length=100)
    aliases: dict[Name, Alias] = Field(min_length=1, max_length=100)
    timeouts: Timeouts = Timeouts()
    retry: Retry = Retry()
    breaker: BreakerRule = BreakerRule()
    bulkheads: BulkheadsRule = BulkheadsRule()
    callers: Callers = Callers()
    max_tokens_default: Annotated[int, Field(ge=1, le=1_000_000)] = 1_024
    """What an answer is taken to need, where the caller does not say `max_tokens`."""
    tiers: dict[Tier, TierAllowance] = Field(default_factory=default_tiers)
    contracts: dict[str, TierAllowance] = Field(default_factory=dict[str, TierAllowance], max_length=100_000)
    """What single tenants may use, whatever the tier of their keys."""
    budgets: BudgetsPolicy = BudgetsPolicy()
    cache: CacheRule | None = None
    """None: nothing is cached."""

    @field_validator("aliases", mode="before")
    @classmethod
    def _lists_are_aliases(cls, aliases: Any) -> Any:
        if not isinstance(aliases, dict):
            return aliases
        return {name: {"deployments": each} if isinstance(each, list) else each for name, each in aliases.items()}

    @cached_property
    def rules(self) -> Rules:
        """Its limits and budgets."""
        return Rules(LimitsPolicy(tiers=self.tiers, contracts=self.contracts), self.budgets)

    def faults(self) -> Iterator[tuple[Location, str]]:
        """What names something that is not there: where, and a sentence."""
        known = {*self.providers, *BUILT_IN}
        for name, deployment in self.deployments.items():
            if deployment.provider not in known:
                yield (
                    ("deployments", name, "provider"),
                    f"there is no provider '{deployment.provider}': use one of {', '.join(sorted(known))}",
                )
        for name, alias in self.aliases.items():
            for index, deployment in enumerate(alias.deployments):
                if deployment not in self.deployments:
                    yield (
                        ("aliases", name, "deployments", index),
                        f"alias '{name}' names the deployment '{deployment}', which is not defined",
                    )
            if alias.canary is not None and alias.canary.deployment not in self.deployments:
                yield (
                    ("aliases", name, "canary", "deployment"),
                    f"the deployment '{alias.canary.deployment}' is not defined",
                )
            for key, other in (
                ("cascade", alias.cascade.first if alias.cascade else None),
                ("fallback", alias.fallback.alias),
            ):
                if other is not None and (other not in self.aliases or other == name):
                    field = "first" if key == "cascade" else "alias"
                    yield ("aliases", name, key, field), f"'{other}' is not the name of another alias"
        if self.budgets.can_downgrade and self.budgets.downgrade_to not in self.aliases:
            yield ("budgets", "downgrade_to"), f"'{self.budgets.downgrade_to}' is not the name of an alias"
