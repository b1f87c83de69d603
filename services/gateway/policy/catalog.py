"""Which deployments serve a request's `model`: an alias, a deployment or a provider's own model name."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from services.gateway.policy.models import Alias, Deployment, Policy
from switchboard.contracts.errors import NotFound

PASSED_THROUGH = ("azure_openai", "openai")
"""Providers that are asked for a model's name that the policy does not know."""


@dataclass(frozen=True, slots=True)
class Target:
    """A deployment that can be called."""

    provider: str
    """The provider instance's name."""
    model: str
    name: str = ""
    """The deployment's name."""
    kind: str = ""
    """The provider's kind: `openai`, `azure_openai`, `embedded` or `simulated`."""
    deployment: Deployment = field(default=Deployment(provider=""), compare=False, repr=False)


class ModelCatalog:
    """The policy, narrowed to the providers that are configured. Made anew when the policy changes."""

    def __init__(self, policy: Policy, models: Mapping[str, str], configured: Collection[str]) -> None:
        """`models` is each provider's default model; `configured` the providers that can be called."""
        self.policy = policy
        self._models = models
        self._configured = configured
        self._of_alias = {name: tuple(self._serving(alias)) for name, alias in policy.aliases.items()}
        self._by_model: dict[str, tuple[Target, ...]] = {}
        for target in self._all():
            self._by_model[target.model] = (*self._by_model.get(target.model, ()), target)

    def names(self) -> list[tuple[str, Target]]:
        """What a caller may ask for, and what answers it first: aliases first."""
        aliases = [(alias, targets[0]) for alias, targets in self._of_alias.items() if targets]
        models = {(target.model, target.provider): target for target in self._all()}
        return [*aliases, *((name, models[name, provider]) for name, provider in sorted(models))]

    def targets(self, model: str) -> tuple[Target, ...]:
        """In the file's order, at least one. Raises `NotFound` for a name nobody serves."""
        found = self._of_alias.get(model)
        if found is None:
            found = self._deployment(model) or self._by_model.get(model) or self._passed_through(model)
        if not found:
            raise NotFound(f"There is no model '{model[:80]}' here. Ask for one of: {', '.join(self.policy.aliases)}.")
        return found

    def target(self, model: str) -> Target:
        """The first of `targets`."""
        return self.targets(model)[0]

    def serves(self, alias: str) -> bool:
        """Whether a deployment of the alias is configured."""
        return bool(self._of_alias.get(alias))

    def named(self, deployment: str) -> Target | None:
        """The deployment of that name, where its provider is configured."""
        return next(iter(self._deployment(deployment)), None)

    def all(self) -> list[Target]:
        """Of all deployments that are configured."""
        return list(self._all())

    def _serving(self, alias: Alias) -> Iterator[Target]:
        real = [name for name in alias.deployments if self.policy.deployments[name].provider in self._configured]
        only_stand_ins = all(self.policy.deployments[name].stand_in for name in real)
        for name in real:
            if only_stand_ins or not self.policy.deployments[name].stand_in:
                yield self._target(name)

    def _all(self) -> Iterator[Target]:
        for name, deployment in self.policy.deployments.items():
            if deployment.provider in self._configured:
                yield self._target(name)

    def _deployment(self, name: str) -> tuple[Target, ...]:
        deployment = self.policy.deployments.get(name)
        return (self._target(name),) if deployment and deployment.provider in self._configured else ()

    def _passed_through(self, model: str) -> tuple[Target, ...]:
        provider = next((each for each in PASSED_THROUGH if each in self._configured), None)
        return (Target(provider, model, provider, provider, Deployment(provider=provider)),) if provider else ()

    def _target(self, name: str) -> Target:
        deployment = self.policy.deployments[name]
        provider = deployment.provider
        instance = self.policy.providers.get(provider)
        kind = instance.kind if instance is not None else provider
        return Target(provider, deployment.model or self._models.get(provider, ""), name, kind, deployment)
