"""`gateway.yaml`: which deployment serves which alias. A pass-through for now: the first configured one."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from switchboard.contracts.errors import BadConfiguration, NotFound

ProviderName = Literal["azure_openai", "openai", "embedded"]


class Deployment(BaseModel):
    """A model at a provider. Without `model`, the provider's settings name it."""

    model_config = ConfigDict(extra="forbid")
    provider: ProviderName
    model: str | None = None


class Policy(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid")
    version: Literal[1]
    deployments: dict[str, Deployment] = Field(min_length=1, max_length=100)
    aliases: dict[str, list[str]] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _every_alias_names_deployments(self) -> "Policy":
        for alias, names in self.aliases.items():
            if not names:
                raise ValueError(f"alias '{alias}' names no deployment")
            for name in names:
                if name not in self.deployments:
                    raise ValueError(f"alias '{alias}' names the deployment '{name}', which is not defined")
        return self


@dataclass(frozen=True, slots=True)
class Target:
    """What a request goes to."""

    provider: str
    model: str


def load_policy(path: Path) -> Policy:
    """Raises `BadConfiguration` with the field that is wrong."""
    try:
        return Policy.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise BadConfiguration(f"The gateway's policy {path.name} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "top level"
        raise BadConfiguration(f"The gateway's policy {path.name} is wrong at '{where}': {first['msg']}") from error


class Router:
    """Finds the target of a request's `model`: an alias, a deployment or a provider's own model name."""

    def __init__(self, policy: Policy, models: dict[str, str], configured: Collection[str]) -> None:
        """`models` is each provider's default model; `configured` the providers that can be called."""
        self._policy = policy
        self._models = models
        self._configured = configured

    def names(self) -> list[tuple[str, str]]:
        """(model name, provider) pairs a caller may ask for: aliases first."""
        aliases = [(alias, self.target(alias).provider) for alias in self._policy.aliases if self._serves(alias)]
        real = {
            (self._target(deployment).model, deployment.provider)
            for deployment in self._policy.deployments.values()
            if deployment.provider in self._configured
        }
        return [*aliases, *sorted(real)]

    def target(self, model: str) -> Target:
        """Raises `NotFound` for a name nobody serves."""
        for name in self._policy.aliases.get(model, [model]):
            deployment = self._policy.deployments.get(name)
            if deployment is not None and deployment.provider in self._configured:
                return self._target(deployment)
        if model not in self._policy.aliases:
            for deployment in self._policy.deployments.values():
                target = self._target(deployment)
                if target.model == model and target.provider in self._configured:
                    return target
            for provider in ("azure_openai", "openai"):
                if provider in self._configured:
                    return Target(provider, model)
        raise NotFound(f"There is no model '{model[:80]}' here. Ask for one of: {', '.join(self._policy.aliases)}.")

    def _serves(self, alias: str) -> bool:
        return any(self._policy.deployments[name].provider in self._configured for name in self._policy.aliases[alias])

    def _target(self, deployment: Deployment) -> Target:
        return Target(deployment.provider, deployment.model or self._models.get(deployment.provider, ""))
