"""What the supervisor keeps of conversations: one record a conversation, one record a turn."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator

from switchboard.contracts.errors import Cancelled, Interrupted, SwitchboardError
from switchboard.contracts.events import (
    Citation,
    Confidence,
    RouteDecided,
    TurnCancelled,
    TurnCompleted,
    TurnEnd,
    TurnFailed,
    Usage,
)
from switchboard.contracts.handover import HandoverReason
from switchboard.contracts.turns import HISTORY_MESSAGES_MAX, AgentAnswer, HistoryMessage, Principal, Remembered
from switchboard.memory import history

LEASE_GRACE_S = 5.0
"""A turn that is running this long after its deadline has lost its process."""

TurnStatus = Literal["running", "completed", "failed", "cancelled", "superseded"]
"""`superseded`: another turn had the same idempotency key first; nobody is shown this one."""
Following = Literal["event", "handover", "memory", "evaluation"]
"""What follows a turn that ended: its event, that of its hand-over, what is remembered, its scores."""


def now() -> datetime:
    return datetime.now(UTC)


class Handover(BaseModel):
    """Since when and why a person has a conversation. While there is one, agents stay silent."""

    reason: HandoverReason
    since: datetime
    summary: str
    """For the person who takes it."""


class Running(BaseModel):
    """Which turn of a conversation is being answered, and since when."""

    n: int
    since: datetime


class TailMessage(HistoryMessage):
    """A message of the tail; `n` is its turn, so that adding a turn twice changes nothing."""

    n: int


class Conversation(BaseModel):
    """Its size is bounded: reading the history costs the same at turn 1000 as at turn 1."""

    conversation_id: str
    tenant: str
    owner: str
    """User id; for everybody else the conversation is not there."""
    turn_count: int = 0
    agent: str | None = None
    """Who answered last: short follow-ups go there."""
    refusals: int = 0
    """Messages in a row that were out of scope."""
    handover: Handover | None = None
    """A person has it: agents stay silent."""
    running: Running | None = None
    """The turn that was accepted last, until its end is in the tail: there is one at a time, beside a long job."""
    tail: list[TailMessage] = Field(default_factory=list[TailMessage], max_length=HISTORY_MESSAGES_MAX)
    created_at: datetime
    updated_at: datetime
    remembered: Remembered | None = Field(default=None, exclude=True)
    """What an agent is told from before the tail; read with the conversation, kept in records of its own."""

    def history(self) -> list[HistoryMessage]:
        """What an agent is told of the last turns; bounded in messages and tokens, whatever was said."""
        return [HistoryMessage(role=each.role, text=each.text, agent=each.agent) for each in self.tail]

    def after(self, turn: "Turn") -> "Conversation":
        """The conversation after `turn` ended, answered or not; the same where it stands so already."""
        ended = self.with_turn(turn) if turn.status in ("completed", "failed") else self
        if ended.running is None or ended.running.n != turn.n:
            return ended
        return ended.model_copy(update={"running": None})

    def with_turn(self, turn: "Turn") -> "Conversation":
        """The conversation after `turn`; the same where it holds the turn already.

        Of a turn that failed the customer's message stays: "try again" and "as I said" lean on it.
        """
        if any(each.n == turn.n for each in self.tail):
            return self
        agent = turn.agents[-1] if turn.agents else None
        added = [TailMessage(n=turn.n, role="user", text=turn.message)]
        if turn.status != "failed":
            added.append(TailMessage(n=turn.n, role="assistant", text=turn.text, agent=agent))
        # Bounded when it is written, so that reading it and sending it costs the same at every turn.
        tail = history.bounded(sorted([*self.tail, *added], key=lambda each: each.n))
        update = {"tail": tail, "agent": agent or self.agent, "updated_at": now()}
        if turn.status == "failed":
            return self.model_copy(update=update)
        if turn.handover is not None:
            update |= {"handover": turn.handover, "refusals": 0}
        elif turn.route is not None and turn.route.by != "small_talk":
            update["refusals"] = self.refusals + 1 if turn.route.by == "out_of_scope" else 0
        return self.model_copy(update=update)


class JobPart(BaseModel):
    """What one agent is to answer of an asynchronous turn, and its answer once it is there."""

    agent: str
    name: str
    message: str
    answer: AgentAnswer | None = None

    @property
    def status(self) -> TurnStatus:
        return "running" if self.answer is None else self.answer.status

    @model_validator(mode="before")
    @classmethod
    def _read_flat(cls, value: Any) -> Any:
        """Records that were written before an answer had a shape of its own hold its fields beside the part's."""
        if not isinstance(value, dict) or "status" not in value:
            return value
        if value["status"] == "running":
            return {**value, "answer": None}
        failure = {"code": value.get("code") or None, "message": value.get("failure") or None}
        return {**value, "answer": {**value, **failure}}


class Rating(BaseModel):
    """What its user thinks of a turn."""

    rating: Literal["up", "down"]
    comment: str = ""
    at: datetime


class Turn(BaseModel):
    """One turn, as accepted and as it ended. `parts` are there for an asynchronous turn only."""

    turn_id: str
    conversation_id: str
    n: int
    tenant: str
    user: str
    status: TurnStatus = "running"
    owner: str = ""
    """The replica that answers it, and alone may end it; empty for a job, which none has in hand."""
    attempt: int = 1
    """Counts the replicas that took it."""
    principal: Principal | None = None
    agent_asked: str | None = None
    """Who asked, and the agent they asked for: what another replica needs to answer it."""
    deadline: datetime | None = None
    lease_until: datetime
    """A turn still running after this moment is read as failed."""
    idempotency_key: str | None = None
    message: str
    text: str = ""
    route: RouteDecided | None = None
    handover: Handover | None = None
    """With this turn the conversation went to a person."""
    agents: list[str] = Field(default_factory=list)
    citations: list[Citation] = Field(default_factory=list[Citation])
    usage: Usage = Field(default_factory=Usage)
    cache_hit: bool = False
    """The answer, or every model call that it took, came from a cache."""
    confidence: Confidence = ""
    from_articles: bool = False
    """As in `turn.completed`."""
    kept_as: str = ""
    """Where the answer cache keeps this answer, or had it from."""
    parts: list[JobPart] = Field(default_factory=list[JobPart])
    code: str = ""
    failure: str = ""
    """A sentence for a person."""
    retry_after_s: int | None = None
    """Of a failed turn: when to try again, where that was known."""
    effects: list[str] = Field(default_factory=list)
    """Of a turn that was not answered: what was done before, a sentence each."""
    log_is_partial: bool = False
    """Its event log was away while it was answered: what is not in there may have been heard."""
    events: int = 0
    """How many its event log holds, the last one included."""
    outbox: list[Following] = Field(default_factory=list[Following])
    """What follows its end and is not known to be done."""
    tools: list[str] = Field(default_factory=list)
    """Names of the tools that were called, in order; of an interactive turn only."""
    experiment: str = ""
    """`<experiment>=<variant>`, where the tenant is in one."""
    rating: Rating | None = None
    trace_id: str = ""
    span_id: str = ""
    """The turn's own span: what comes after the turn is hung below it."""
    duration_ms: float = 0.0
    created_at: datetime

    def complete(self, answer: TurnCompleted) -> None:
        """It was answered."""
        self.status = "completed"
        self.text, self.agents, self.citations, self.usage = answer.text, answer.agents, answer.citations, answer.usage
        self.confidence, self.from_articles = answer.confidence, answer.from_articles
        self.cache_hit = answer.cache_hit or answer.usage.is_all_cached

    def fail(self, error: SwitchboardError) -> None:
        """It was not answered."""
        self.status = "failed"
        self.code, self.failure, self.retry_after_s = error.code, error.message, error.retry_after_s

    def cancel(self) -> None:
        """Its user does not want it any more."""
        self.status = "cancelled"
        self.code, self.failure = Cancelled.code, Cancelled.default

    def is_held_as(self, other: "Turn") -> bool:
        """Whether `other`, a version of the same record, is of the same owner and attempt."""
        return (self.owner, self.attempt) == (other.owner, other.attempt)

    def as_read(self) -> "Turn":
        """The turn as anybody may see it now: an interrupted one has failed."""
        if self.status == "running" and now() > self.lease_until:
            interrupted = self.model_copy()
            interrupted.fail(Interrupted())
            return interrupted
        return self

    @property
    def ended(self) -> TurnEnd:
        """The last event of a turn that ended."""
        if self.status == "cancelled":
            return TurnCancelled(
                effects=self.effects,
                trace_id=self.trace_id,
                turn_id=self.turn_id,
                conversation_id=self.conversation_id,
            )
        if self.status == "completed":
            return TurnCompleted(
                text=self.text,
                agents=self.agents,
                citations=self.citations,
                usage=self.usage,
                cache_hit=self.cache_hit,
                confidence=self.confidence,
                from_articles=self.from_articles,
                trace_id=self.trace_id,
                turn_id=self.turn_id,
                conversation_id=self.conversation_id,
                duration_ms=self.duration_ms,
            )
        return TurnFailed(
            code=self.code,
            message=self.failure,
            retry_after_s=self.retry_after_s,
            effects=self.effects,
            trace_id=self.trace_id,
            turn_id=self.turn_id,
            conversation_id=self.conversation_id,
        )


def lease_of(deadline: datetime) -> datetime:
    return deadline + timedelta(seconds=LEASE_GRACE_S)


def turn_id_of(conversation_id: str, n: int) -> str:
    return f"{conversation_id}.{n}"
