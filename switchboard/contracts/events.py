"""TurnEvents: everything a turn says while it runs, in SSE, over the WebSocket and between services."""

from typing import Annotated, Any, Final, Literal, cast

from pydantic import BaseModel, Field, TypeAdapter, computed_field, model_validator

from switchboard.contracts.money import picousd_of

RouteBy = Literal[
    "classifier", "follow_up", "request", "model", "clarify", "out_of_scope", "small_talk", "person", "cache"
]
"""Who or what decided a route; `cache`: the answer was given before."""

Confidence = Literal["", "closest"]
"""`closest`: it may not be what was asked for, but nothing nearer was found."""
CLOSEST: Final = "This is the closest that I have:"
"""How such an answer begins."""


class Usage(BaseModel):
    """What model calls spent: tokens, and money as whole picodollars (10^-12 US dollars), so that sums are exact."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    model_calls: int = 0
    cached_calls: int = 0
    """Of `model_calls`, those that a cache answered."""
    cost_picousd: int = 0

    @model_validator(mode="before")
    @classmethod
    def _read_dollars(cls, value: Any) -> Any:
        """Records that were written before the cost was an integer hold it as `cost_usd`."""
        fields = cast(dict[str, Any], value) if isinstance(value, dict) else {}
        if "cost_usd" in fields and "cost_picousd" not in fields:
            return {**fields, "cost_picousd": picousd_of(fields["cost_usd"])}
        return cast(Any, value)

    @property
    def is_all_cached(self) -> bool:
        """There were model calls, and every one was answered by a cache."""
        return 0 < self.model_calls <= self.cached_calls

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            model_calls=self.model_calls + other.model_calls,
            cached_calls=self.cached_calls + other.cached_calls,
            cost_picousd=self.cost_picousd + other.cost_picousd,
        )


class Citation(BaseModel):
    """A passage an answer leans on, and the event that tells it. `n` is the number in the text, as in `[1]`."""

    type: Literal["citation"] = "citation"
    n: int
    agent: str = ""
    title: str
    uri: str
    """`kb://<agent>/<document>#<start>-<end>@<version>`, offsets in characters of the document's text."""
    span: str
    """The passage itself, as it stands in the document."""
    document: str = ""
    version: str = ""
    """The document's revision; its text can still be read after the document was replaced."""
    start: int = 0
    end: int = 0


class TurnStarted(BaseModel):
    """First event of a turn: the turn is recorded, and from here on it always ends."""

    type: Literal["turn.started"] = "turn.started"
    turn_id: str
    conversation_id: str
    trace_id: str


class RouteDecided(BaseModel):
    """Which specialists answer, and what decided it."""

    type: Literal["route.decided"] = "route.decided"
    agents: list[str]
    scores: dict[str, float] = Field(default_factory=dict)
    """Probability of each agent, by the classifier; empty where the words alone decided."""
    by: RouteBy
    why: str = ""
    """The decision in a sentence."""


class AgentStarted(BaseModel):
    """A specialist took the turn up; `name` is its card's, for people."""

    type: Literal["agent.started"] = "agent.started"
    agent: str
    name: str = ""


class ToolCalled(BaseModel):
    """The model called a tool; `arguments` are checked against the tool's schema."""

    type: Literal["tool.called"] = "tool.called"
    agent: str
    call_id: str
    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class ToolReturned(BaseModel):
    """The tool call `call_id` ended, well (`ok`) or not."""

    type: Literal["tool.result"] = "tool.result"
    agent: str
    call_id: str
    name: str
    ok: bool
    summary: str
    """One line for a person, at most 300 characters."""
    facts: list[str] = Field(default_factory=list)
    """What it found, as the model was told it: what the answer may lean on. At most 8,000 characters in all."""
    duration_ms: float


class ApprovalRequired(BaseModel):
    """The tool call `call_id` waits for a person; `reason` is the policy's sentence."""

    type: Literal["approval.required"] = "approval.required"
    agent: str
    call_id: str
    name: str
    reason: str


class MessageDelta(BaseModel):
    """More words of the answer, to be put behind those before, as they stand."""

    type: Literal["message.delta"] = "message.delta"
    agent: str
    text: str


class TurnReset(BaseModel):
    """All words and citations before this event are void; `text` stands for them. Work that was told goes on.

    It has no number of its own: whoever resumes gets it in place of events that are no longer there.
    """

    type: Literal["turn.reset"] = "turn.reset"
    text: str = ""
    citations: list[Citation] = Field(default_factory=list[Citation])


class TurnCompleted(BaseModel):
    """Last event of a turn that was answered. From a specialist `agents` holds that one specialist.

    The ids are empty while an answer is being put together.
    """

    type: Literal["turn.completed"] = "turn.completed"
    text: str
    agents: list[str]
    citations: list[Citation] = Field(default_factory=list[Citation])
    usage: Usage = Field(default_factory=Usage)
    answered: bool = True
    """False from a specialist that says no more than that it does not know: another one may."""
    cache_hit: bool = False
    """The answer, or every model call that it took, came from a cache."""
    confidence: Confidence = ""
    from_articles: bool = False
    """It rests on articles alone: nothing else is told in it, nothing was changed or is offered, nothing stood before it."""
    trace_id: str = ""
    turn_id: str = ""
    conversation_id: str = ""
    duration_ms: float = 0.0

    @computed_field
    @property
    def cost_picousd(self) -> int:
        """Of `usage`; in whole picodollars."""
        return self.usage.cost_picousd


class TurnFailed(BaseModel):
    """Last event of a turn that was not answered; `code` is a code of `switchboard.contracts.errors`."""

    type: Literal["turn.failed"] = "turn.failed"
    code: str
    message: str
    retry_after_s: int | None = None
    """When to try again, where that is known."""
    effects: list[str] = Field(default_factory=list)
    """What was done for the user before it failed, a sentence each; `message` says it too."""
    trace_id: str = ""
    turn_id: str = ""
    conversation_id: str = ""


class TurnCancelled(BaseModel):
    """Last event of a turn that its user cancelled."""

    type: Literal["turn.cancelled"] = "turn.cancelled"
    effects: list[str] = Field(default_factory=list)
    """What was done for the user before that, a sentence each."""
    trace_id: str = ""
    turn_id: str = ""
    conversation_id: str = ""


TurnEnd = TurnCompleted | TurnFailed | TurnCancelled
"""The last event of a turn, whichever it is."""
TURN_ENDS = (TurnCompleted, TurnFailed, TurnCancelled)

TurnEvent = Annotated[
    TurnStarted
    | RouteDecided
    | AgentStarted
    | ToolCalled
    | ToolReturned
    | ApprovalRequired
    | MessageDelta
    | Citation
    | TurnReset
    | TurnCompleted
    | TurnFailed
    | TurnCancelled,
    Field(discriminator="type"),
]

turn_event_adapter: TypeAdapter[TurnEvent] = TypeAdapter(TurnEvent)
"""Parses one event: `turn_event_adapter.validate_json(data)`."""
