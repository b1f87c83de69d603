"""Wires the gateway: which providers are configured, what a call passes through, which policy is active."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from redis.asyncio import Redis

from services.gateway.caching.answer_cache import AnswerCache
from services.gateway.caching.redis_entries import RedisEntries
from services.gateway.calls.attempts import Attempts
from services.gateway.calls.background import Background
from services.gateway.money.accounting import Accounting
from services.gateway.money.prices import Estimates
from services.gateway.policy.active import PolicyWatcher
from services.gateway.policy.models import BreakerRule, BulkheadsRule, ProviderInstance
from services.gateway.ports import Cache, Ledger, Limits
from services.gateway.providers.azure_openai import AzureOpenAi, ManagedIdentity
from services.gateway.providers.embedded import CHAT_MODEL, Embedded
from services.gateway.providers.openai_compatible import OpenAiCompatible
from services.gateway.providers.port import Provider, Times
from services.gateway.providers.registry import Providers, needs
from services.gateway.providers.simulated import Simulated
from services.gateway.redis.pipe import Pipe
from services.gateway.resilience.breaker import Breakers
from services.gateway.resilience.bulkheads import Bulkheads
from services.gateway.resilience.health import Health
from services.gateway.resilience.shared_breaker import SharedBreakers
from services.gateway.settings import AZURE_API_VERSION, Settings, secret
from switchboard.caching.entries.memory import MemoryEntries
from switchboard.models.minilm import MiniLmEmbedder
from switchboard.redis.server import RedisServer


class _Opened(Protocol):
    async def open(self) -> None: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything a request needs. Open it before the first request, close it after the last."""

    settings: Settings
    policies: PolicyWatcher
    cache: Cache
    limits: Limits
    ledger: Ledger
    accounting: Accounting
    """Opens and closes the limits and the ledger."""
    bulkheads: Bulkheads
    attempts: Attempts
    background: Background
    shared_breakers: SharedBreakers | None
    redis: Redis | None
    pipe: Pipe | None

    async def open(self) -> None:
        """Raises `BadConfiguration` for a policy that cannot be followed."""
        for part in self._parts():
            await part.open()

    async def close(self) -> None:
        await self.background.close()
        for part in reversed(self._parts()):
            await part.close()
        if self.redis is not None:
            await self.redis.aclose()

    def _parts(self) -> Sequence[_Opened]:
        parts = (self.policies, self.pipe, self.shared_breakers, self.accounting, self.cache)
        return [part for part in parts if part is not None]


def build(settings: Settings) -> Gateway:
    """A gateway that is not open yet."""
    embedder = MiniLmEmbedder()
    server = _server(settings)
    redis, pipe = (server.client(), Pipe(server)) if server is not None else (None, None)
    health, breakers, bulkheads = Health(), Breakers(BreakerRule()), Bulkheads(BulkheadsRule())
    providers = _providers(settings, embedder)
    policies = PolicyWatcher(settings.gateway_file, providers, health, breakers, bulkheads, _times(settings))
    shared = None
    if redis is not None:
        shared = SharedBreakers(redis, breakers, lambda: [each.name for each in policies.active.catalog.all()])
    accounting = Accounting(
        lambda: policies.active.policy.rules,
        Estimates(lambda: policies.active.catalog),
        redis=redis,
        pipe=pipe,
        data_dir=settings.data_dir,
    )
    # Where cached answers are kept: in Redis where there is one, for all replicas, else in this process.
    entries = RedisEntries(pipe) if pipe is not None else MemoryEntries()
    return Gateway(
        settings=settings,
        policies=policies,
        cache=AnswerCache(lambda: policies.active.policy.cache, entries, embedder),
        limits=accounting.limits,
        ledger=accounting.ledger,
        accounting=accounting,
        bulkheads=bulkheads,
        attempts=Attempts(health, breakers),
        background=Background(),
        shared_breakers=shared,
        redis=redis,
        pipe=pipe,
    )


def _server(settings: Settings) -> RedisServer | None:
    """None where none is set."""
    if not settings.redis_host:
        return None
    password = settings.redis_password.get_secret_value() if settings.redis_password else None
    return RedisServer.at(settings.redis_host, password=password, tls=settings.redis_tls)


def _providers(settings: Settings, embedder: MiniLmEmbedder) -> Providers:
    """Those that the environment configures, and how to make those that the policy names."""
    built_in: dict[str, Provider] = {"embedded": Embedded(embedder)}
    models = {"embedded": CHAT_MODEL}
    if settings.openai_api_key or settings.openai_base_url:
        key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
        built_in["openai"] = OpenAiCompatible(base_url=settings.openai_base_url, api_key=key)
        models["openai"] = settings.openai_model
    if settings.azure_endpoint:
        key = settings.azure_api_key
        built_in["azure_openai"] = AzureOpenAi(
            endpoint=settings.azure_endpoint,
            api_version=settings.azure_api_version,
            credential=key.get_secret_value() if key else ManagedIdentity(settings.azure_client_id),
        )
        models["azure_openai"] = settings.azure_deployment
    return Providers(built_in, models, lambda name, instance: _named(name, instance, embedder))


def _named(name: str, instance: ProviderInstance, embedder: MiniLmEmbedder) -> Provider | None:
    """A provider that the policy names; None where the environment does not hold what it needs."""
    base_url = secret(instance.base_url_env) if instance.base_url_env else instance.base_url
    key = secret(instance.key_env) if instance.key_env else None
    if (instance.key_env and key is None) or (instance.base_url_env and base_url is None):
        return None
    match instance.kind:
        case "embedded":
            return Embedded(embedder)
        case "simulated":
            if base_url is None:
                raise needs(name, "a base_url: where its server listens, with /v1")
            return Simulated(base_url=base_url)
        case "openai":
            return OpenAiCompatible(base_url=base_url, api_key=key)
        case "azure_openai":
            if base_url is None:
                raise needs(name, "a base_url: the endpoint of its Azure OpenAI resource")
            if key is None and instance.identity == "key":
                raise needs(name, "a key_env, or 'identity: managed'")
            return AzureOpenAi(
                endpoint=base_url,
                api_version=instance.api_version or AZURE_API_VERSION,
                credential=key if key is not None else ManagedIdentity(instance.identity_client_id),
            )


def _times(settings: Settings) -> Times:
    return Times(
        connect_s=settings.connect_s,
        first_token_s=settings.first_token_s,
        between_tokens_s=settings.between_tokens_s,
        total_s=settings.total_s,
    )
