"""The providers that can be called: those the environment configures, and those the policy names."""

import asyncio
import logging
from collections.abc import Callable

from services.gateway.policy.models import Policy, ProviderInstance
from services.gateway.providers.port import Provider
from switchboard.contracts.errors import BadConfiguration

logger = logging.getLogger(__name__)

FAREWELL_S = 120.0
"""A provider that the policy names no more is closed when its last calls must be over."""


class Providers:
    """Opened providers by name. `make` builds one that the policy names, None where its settings are missing."""

    def __init__(
        self,
        built_in: dict[str, Provider],
        models: dict[str, str],
        make: Callable[[str, ProviderInstance], Provider | None],
    ) -> None:
        self.models = models
        """Each provider's default model."""
        self._built_in = built_in
        self._make = make
        self._named: dict[str, tuple[ProviderInstance, Provider]] = {}
        self._opened: set[int] = set()
        self._farewells: set[asyncio.Task[None]] = set()

    async def follow(self, policy: Policy) -> dict[str, Provider]:
        """Opens what is new and says good-bye to what is gone. Raises `BadConfiguration`; nothing has changed then."""
        named: dict[str, tuple[ProviderInstance, Provider]] = {}
        for name, instance in policy.providers.items():
            known = self._named.get(name)
            provider = known[1] if known is not None and known[0] == instance else self._make(name, instance)
            if provider is None:
                logger.warning("The provider %s is not configured: its deployments are left out.", name)
                continue
            named[name] = (instance, provider)
        providers = {**self._built_in, **{name: provider for name, (_, provider) in named.items()}}
        for provider in providers.values():
            if id(provider) not in self._opened:
                await provider.open()
                self._opened.add(id(provider))
        for name, (_, provider) in self._named.items():
            if name not in named or named[name][1] is not provider:
                self._part(provider)
        self._named = named
        self.models.update({name: instance.model for name, (instance, _) in named.items() if instance.model})
        return providers

    async def close(self) -> None:
        for task in self._farewells:
            task.cancel()
        await asyncio.gather(*self._farewells, return_exceptions=True)
        for provider in (*self._built_in.values(), *(provider for _, provider in self._named.values())):
            if id(provider) in self._opened:
                await provider.close()

    def _part(self, provider: Provider) -> None:
        async def close_later() -> None:
            try:
                await asyncio.sleep(FAREWELL_S)
            finally:
                await provider.close()

        task = asyncio.create_task(close_later())
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)


def needs(name: str, what: str) -> BadConfiguration:
    return BadConfiguration(f"The provider '{name}' of the gateway's policy needs {what}.")
