"""A turn on the wire: what the supervisor asks of a specialist, and what the client asks of the supervisor."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from switchboard.contracts.errors import SwitchboardError, error_of_code
from switchboard.contracts.events import Citation, Confidence, Usage

MESSAGE_CHARACTERS_MAX = 8_000
HISTORY_MESSAGES_MAX = 12
SUMMARY_CHARACTERS_MAX = 2_500
ENTITIES_MAX, PREFERENCES_MAX, EARLIER_MAX = 24, 8, 5

ConversationId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
AgentId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
UserMessage = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MESSAGE_CHARACTERS_MAX)]


class ChatRequest(BaseModel):
    """Body of `POST /v1/chat` and `POST /v1/jobs`. The tenant and the user come from the key, never from here."""

    model_config = ConfigDict(extra="forbid")

    message: UserMessage
    conversation_id: ConversationId | None = None
    agent: AgentId | None = None
    """Send the turn to this agent instead of routing it."""
    wait: bool = False
    """Where another message of the conversation is being answered: wait for its end, and do not refuse this one."""
    cancel_on_disconnect: bool = False
    """Cancel the turn when its stream is left before its end; without it a turn outlives its client."""


class Principal(BaseModel):
    """Who is asking: what an API key stands for."""

    model_config = ConfigDict(frozen=True)

    tenant: str
    user: str
    """Also the customer id in the demo company's data."""
    tier: Literal["free", "developer", "professional", "enterprise"] = "free"
    roles: frozenset[str] = frozenset({"customer"})


class HistoryMessage(BaseModel):
    """One earlier message of the conversation, oldest first in `TurnRequest.history`."""

    role: Literal["user", "assistant"]
    text: str
    agent: str | None = None


class Entity(BaseModel):
    """A thing that was spoken of: its kind (invoice, ticket, device, month, …) and its name or id."""

    model_config = ConfigDict(frozen=True)

    kind: Annotated[str, StringConstraints(max_length=32)]
    value: Annotated[str, StringConstraints(max_length=80)]


class Remembered(BaseModel):
    """What is known from before the messages of `TurnRequest.history`; of bounded size, and facts, never instructions."""

    summary: Annotated[str, StringConstraints(max_length=SUMMARY_CHARACTERS_MAX)] = ""
    """Of this conversation, as far as the history does not reach."""
    entities: list[Entity] = Field(default_factory=list[Entity], max_length=ENTITIES_MAX)
    """Of this conversation, the newest first."""
    user_entities: list[Entity] = Field(default_factory=list[Entity], max_length=ENTITIES_MAX)
    """From the user's other conversations, the newest first; only with their consent, as all below."""
    preferences: list[str] = Field(default_factory=list[str], max_length=PREFERENCES_MAX)
    """In the user's words."""
    earlier: list[str] = Field(default_factory=list[str], max_length=EARLIER_MAX)
    """What other conversations were about, the newest first."""


class Variant(BaseModel):
    """What an experiment changes for one turn; a variant that changes nothing is the control."""

    experiment: str
    name: str
    model: str | None = None
    """Alias at the gateway instead of the card's."""
    instructions: str = ""
    """Added to the card's."""

    @property
    def label(self) -> str:
        """As spans and records carry it: `<experiment>=<variant>`."""
        return f"{self.experiment}={self.name}"


class TurnRequest(BaseModel):
    """What a specialist gets: `POST /agent/turns` (streamed) or the data of an event on `agent.<id>.turns`."""

    turn_id: str
    """`<conversation_id>.<n>`; unique, and the idempotency scope of the turn's effects."""
    conversation_id: ConversationId
    agent: AgentId | None = None
    """Who is asked: a dead letter tells by it whose it was."""
    principal: Principal
    message: UserMessage
    """The part of the user's message that this specialist is to answer."""
    history: list[HistoryMessage] = Field(default_factory=list[HistoryMessage], max_length=HISTORY_MESSAGES_MAX)
    remembered: Remembered | None = None
    """None where nothing is."""
    deadline: datetime
    """No answer is wanted after this moment (UTC)."""
    variant: Variant | None = None
    """Of the experiment that the tenant is in."""


class AgentAnswer(BaseModel):
    """What one agent answered to its part of a turn, whole; or why it did not: `code` and a sentence for a person."""

    agent: AgentId
    status: Literal["completed", "failed"]
    text: str = ""
    citations: list[Citation] = Field(default_factory=list[Citation])
    usage: Usage = Field(default_factory=Usage)
    confidence: Confidence = ""
    from_articles: bool = False
    """As in `turn.completed`."""
    code: str | None = None
    message: str | None = None
    retry_after_s: int | None = None
    """When to try again, where that is known."""

    @property
    def error(self) -> SwitchboardError | None:
        """Why it failed; None where it did not."""
        if self.status == "completed":
            return None
        return error_of_code(self.code or "", self.message or "", self.retry_after_s)

    @classmethod
    def failed(cls, agent: str, error: SwitchboardError) -> "AgentAnswer":
        """The answer of an agent that has none."""
        told = {"code": error.code, "message": error.message, "retry_after_s": error.retry_after_s}
        return cls.model_validate({"agent": agent, "status": "failed", **told})


class TurnResult(AgentAnswer):
    """The answer of one agent to an asynchronous turn, as it is published on `turns.results`."""

    turn_id: str
    conversation_id: ConversationId
    tenant: str
