"""Bodies of this API's JSON answers."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from services.supervisor.turns.records import Handover, Rating, Turn, TurnStatus
from switchboard.contracts.cards import AgentCard, Skill
from switchboard.contracts.events import Citation, Confidence, RouteDecided, TurnCompleted, Usage
from switchboard.contracts.handover import HandoverReason


class ChatAnswer(TurnCompleted):
    """An answered turn: the fields of `turn.completed`, and how it was routed."""

    route: RouteDecided | None = None


class TurnView(BaseModel):
    """A turn of a conversation or a job, as its user may see it."""

    turn_id: str
    conversation_id: str
    status: TurnStatus
    message: str
    text: str
    agents: list[str]
    route: RouteDecided | None
    tools: list[str] = Field(default_factory=list)
    experiment: str = ""
    rating: Rating | None = None
    """What its user thinks of it, once they said so."""
    citations: list[Citation]
    usage: Usage
    cost_picousd: int
    """In whole picodollars (10^-12 US dollars)."""
    cache_hit: bool = False
    confidence: Confidence = ""
    trace_id: str
    duration_ms: float
    created_at: datetime
    code: str = ""
    failure: str = ""
    """Why it failed, in a sentence."""

    @classmethod
    def of(cls, turn: Turn) -> "TurnView":
        fields = turn.model_dump(include=set(cls.model_fields))
        return cls(**fields, cost_picousd=turn.usage.cost_picousd)


class JobView(TurnView):
    """A turn of the asynchronous path. `parts` tells how far each agent is."""

    parts: dict[str, TurnStatus] = Field(default_factory=dict[str, TurnStatus])

    @classmethod
    def of_job(cls, turn: Turn) -> "JobView":
        return cls(**TurnView.of(turn).model_dump(), parts={part.agent: part.status for part in turn.parts})


class JobAccepted(BaseModel):
    turn_id: str
    conversation_id: str
    status: TurnStatus
    location: str


class HandoverView(BaseModel):
    """A conversation in the hands of a person. The summary is that person's, in the event on `conversation.handover`."""

    reason: HandoverReason
    since: datetime

    @classmethod
    def of(cls, handover: Handover | None) -> "HandoverView | None":
        return cls(reason=handover.reason, since=handover.since) if handover else None


class ConversationPage(BaseModel):
    """Turns of a conversation, oldest first; `next_after` is for the next page, None at the end."""

    conversation_id: str
    turn_count: int
    agent: str | None
    """Who answered last."""
    handover: HandoverView | None
    """A person has it since; None while the agents answer."""
    created_at: datetime
    updated_at: datetime
    turns: list[TurnView]
    next_after: int | None


class AgentView(BaseModel):
    """An agent that is live now. Instructions and limits stay with its team."""

    id: str
    name: str
    version: str
    description: str
    owner: str
    skills: list[Skill]

    @classmethod
    def of(cls, card: AgentCard) -> "AgentView":
        return cls(
            id=card.id,
            name=card.name,
            version=card.version,
            description=card.description,
            owner=card.owner,
            skills=card.skills,
        )


class AgentList(BaseModel):
    agents: list[AgentView]


class PrincipalView(BaseModel):
    """Who the key stands for."""

    tenant: str
    user: str
    tier: str
    roles: list[str]


class Readiness(BaseModel):
    """`checks` names everything this service needs, and whether it answers now."""

    status: Literal["ready", "not_ready"]
    checks: dict[str, bool]
