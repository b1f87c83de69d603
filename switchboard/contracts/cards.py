"""The agent card `agent.yaml`: what an agent is, what it can do, within which limits."""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from switchboard.contracts.errors import BadConfiguration
from switchboard.contracts.turns import AgentId


class Skill(BaseModel):
    """One kind of request that an agent takes."""

    model_config = ConfigDict(extra="forbid")
    id: str
    description: str
    examples: list[str] = Field(min_length=1, max_length=100)
    """Utterances of users; the router learns from them."""


class Knowledge(BaseModel):
    """Where an agent's articles are, relative to its card, and which edition they are."""

    model_config = ConfigDict(extra="forbid")
    path: str = "kb"
    version: str


class ToolPolicy(BaseModel):
    """What a tool may do to the world, and whether a person approves each call."""

    model_config = ConfigDict(extra="forbid")
    risk: Literal["read", "write", "money"] = "read"
    approval: Literal["never", "always"] = "never"


class TurnLimits(BaseModel):
    """Of one turn; what exceeds them ends it."""

    model_config = ConfigDict(extra="forbid")
    tool_calls: int = Field(default=6, ge=1, le=50)
    tokens: int = Field(default=16_000, ge=256)
    seconds: float = Field(default=60, gt=0, le=600)


class AgentCard(BaseModel):
    """The whole card, as `agent.yaml` holds it."""

    model_config = ConfigDict(extra="forbid")
    id: AgentId
    name: str
    version: str
    description: str
    owner: str
    skills: list[Skill] = Field(min_length=1, max_length=50)
    model: str = "fast"
    """Alias at the gateway: fast, quality or cheap."""
    instructions: str
    knowledge: Knowledge | None = None
    tools: dict[str, ToolPolicy] = Field(default_factory=dict)
    limits: TurnLimits = Field(default_factory=TurnLimits)


class AgentRegistration(BaseModel):
    """State key `agent|<id>` and the data of an event on `agents.registry`."""

    card: AgentCard
    app_id: str
    """Dapr app id to invoke; a deployment's fact, not the card's."""
    instance: str
    topics: str = ""
    """Digest of the agent's `AgentTopics`, which stand under state keys of their own; empty where it has none."""
    revision: str = ""
    """Digest of what answers rest on beside the card: prompt, tools, articles, model, the day. With a new one, answers
    that were kept are forgotten."""
    status: Literal["up", "down"] = "up"


def load_card(path: Path) -> AgentCard:
    """Reads and validates a card.

    Raises `BadConfiguration` with the file and the field that is wrong.
    """
    try:
        return AgentCard.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise BadConfiguration(f"The agent card {path} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadConfiguration(f"The agent card {path} is wrong at '{where}': {first['msg']}") from error


def load_cards(folder: Path) -> dict[str, AgentCard]:
    """The cards of the agents in a folder (`<agent>/agent.yaml`), by id. Raises `BadConfiguration`, also for none."""
    found = [load_card(path) for path in sorted(folder.glob("*/agent.yaml"))]
    if not found:
        raise BadConfiguration(f"There is no agent in {folder}: nothing matches {folder}/*/agent.yaml.")
    return {card.id: card for card in found}
