"""A/B experiments: what variants there are, and which one a tenant is in, always the same."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from switchboard.contracts.errors import BadConfiguration
from switchboard.contracts.turns import AgentId, Variant

EXPERIMENTS_MAX = 16
VARIANTS_MAX = 8
INSTRUCTIONS_CHARACTERS_MAX = 4_000

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")]


class VariantRule(BaseModel):
    """One variant; the first of an experiment is the control that the others are compared with."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    weight: float = Field(default=1.0, gt=0, le=1e6)
    """Its share of the tenants, against the others' weights."""
    agents: list[AgentId] | None = None
    """Whom it changes; all of them by default."""
    model: str | None = None
    """Alias at the gateway instead of the card's."""
    instructions: str = Field(default="", max_length=INSTRUCTIONS_CHARACTERS_MAX)
    """Added to the card's."""


class Experiment(BaseModel):
    """Compares variants over tenants. `active: false` keeps its scores and assigns nobody."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    active: bool = True
    tenants: list[str] | None = None
    """Only these take part; all of them by default."""
    variants: list[VariantRule] = Field(min_length=2, max_length=VARIANTS_MAX)

    @model_validator(mode="after")
    def _names_differ(self) -> "Experiment":
        if len({each.name for each in self.variants}) < len(self.variants):
            raise ValueError("two variants have the same name")
        return self

    def variant_of(self, tenant: str) -> VariantRule:
        """The tenant's variant: a hash of experiment and tenant, so that two experiments divide the tenants differently."""
        digest = hashlib.sha256(f"{self.name}|{tenant}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64 * sum(each.weight for each in self.variants)
        for each in self.variants:
            place -= each.weight
            if place < 0:
                return each
        return self.variants[-1]


class ExperimentsFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    experiments: list[Experiment] = Field(default_factory=list[Experiment], max_length=EXPERIMENTS_MAX)


@dataclass(frozen=True, slots=True)
class Assigned:
    """A tenant's place in an experiment."""

    experiment: str
    rule: VariantRule

    @property
    def label(self) -> str:
        return Variant(experiment=self.experiment, name=self.rule.name).label

    def of(self, agent_id: str) -> Variant:
        """What the variant changes for one agent: nothing, where it is about others."""
        if self.rule.agents is not None and agent_id not in self.rule.agents:
            return Variant(experiment=self.experiment, name=self.rule.name)
        return Variant(
            experiment=self.experiment,
            name=self.rule.name,
            model=self.rule.model,
            instructions=self.rule.instructions,
        )


class Experiments:
    """The experiments of a deployment. A tenant is in one at most: the first active one that takes it."""

    def __init__(self, experiments: list[Experiment]) -> None:
        self._by_name = {each.name: each for each in experiments}

    @classmethod
    def load(cls, path: Path | None) -> "Experiments":
        """None: there are none. Raises `BadConfiguration` with what is wrong in the file."""
        if path is None:
            return cls([])
        try:
            read = ExperimentsFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
        except (OSError, yaml.YAMLError) as error:
            raise BadConfiguration(f"The experiments {path} cannot be read: {error}") from error
        except ValidationError as error:
            wrong = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in wrong["loc"])
            raise BadConfiguration(f"The experiments {path} are wrong at '{where}': {wrong['msg']}") from error
        if len({each.name for each in read.experiments}) < len(read.experiments):
            raise BadConfiguration(f"Two experiments in {path} have the same name.")
        return cls(read.experiments)

    def named(self, name: str) -> Experiment | None:
        return self._by_name.get(name)

    def assigned(self, tenant: str) -> Assigned | None:
        for each in self._by_name.values():
            if each.active and (each.tenants is None or tenant in each.tenants):
                return Assigned(each.name, each.variant_of(tenant))
        return None
