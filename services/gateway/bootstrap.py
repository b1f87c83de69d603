"""Wires the gateway: which providers are configured, which policy is in force."""

from dataclasses import dataclass

from services.gateway.policy import Router, load_policy
from services.gateway.ports import Budgets, Cache, Ledger, Limits, NoBudgets, NoCache, NoLedger, NoLimits
from services.gateway.providers.azure_openai import AzureOpenAi
from services.gateway.providers.embedded import CHAT_MODEL, Embedded
from services.gateway.providers.openai_compatible import OpenAiCompatible
from services.gateway.providers.port import Provider
from services.gateway.settings import Settings
from switchboard.models.minilm import MiniLmEmbedder


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything a request needs."""

    router: Router
    providers: dict[str, Provider]
    total_s: float
    cache: Cache
    budgets: Budgets
    limits: Limits
    ledger: Ledger

    async def open(self) -> None:
        for part in self._parts():
            await part.open()

    async def close(self) -> None:
        for part in reversed(self._parts()):
            await part.close()

    def _parts(self) -> list[Provider | Cache | Budgets | Limits | Ledger]:
        return [*self.providers.values(), self.ledger, self.limits, self.budgets, self.cache]


def build(settings: Settings) -> Gateway:
    """Raises `BadConfiguration` for a policy that cannot be followed."""
    policy = load_policy(settings.gateway_file)
    providers: dict[str, Provider] = {"embedded": Embedded(MiniLmEmbedder())}
    models = {"embedded": CHAT_MODEL}
    times = {"connect_s": settings.connect_s, "first_token_s": settings.first_token_s, "total_s": settings.total_s}
    if settings.openai_api_key or settings.openai_base_url:
        key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
        providers["openai"] = OpenAiCompatible(base_url=settings.openai_base_url, api_key=key, **times)
        models["openai"] = settings.openai_model
    if settings.azure_endpoint and settings.azure_api_key:
        providers["azure_openai"] = AzureOpenAi(
            endpoint=settings.azure_endpoint,
            api_key=settings.azure_api_key.get_secret_value(),
            api_version=settings.azure_api_version,
            **times,
        )
        models["azure_openai"] = settings.azure_deployment
    return Gateway(
        Router(policy, models, providers.keys()),
        providers,
        settings.total_s,
        cache=NoCache(),
        budgets=NoBudgets(),
        limits=NoLimits(),
        ledger=NoLedger(),
    )
