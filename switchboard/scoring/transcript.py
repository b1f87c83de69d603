"""One turn as its user saw it: what an evaluator reads, and what a report shows."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

from switchboard.contracts.events import (
    Citation,
    RouteDecided,
    ToolCalled,
    ToolReturned,
    TurnCompleted,
    TurnEvent,
    TurnFailed,
    TurnStarted,
)
from switchboard.contracts.turns import HistoryMessage


class ToolUse(BaseModel):
    """A tool that was called, with what it found in `facts`."""

    agent: str
    call_id: str
    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    ok: bool = False
    summary: str = ""
    facts: list[str] = Field(default_factory=list)


class Transcript(BaseModel):
    """A turn that ended. `code` is empty where it was answered."""

    message: str
    user: str = ""
    """Customer id of who asked."""
    history: list[HistoryMessage] = Field(default_factory=list[HistoryMessage])
    text: str = ""
    agents: list[str] = Field(default_factory=list)
    routed_by: str = ""
    tools: list[ToolUse] = Field(default_factory=list[ToolUse])
    tools_seen: bool = True
    """False where only the turn's record was there: nothing can be said of what the answer rests on."""
    citations: list[Citation] = Field(default_factory=list[Citation])
    code: str = ""
    failure: str = ""
    cache_hit: bool = False
    turn_id: str = ""
    conversation_id: str = ""
    trace_id: str = ""
    first_word_ms: float | None = None
    duration_ms: float = 0.0
    cost_picousd: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def answered(self) -> bool:
        return not self.code

    @property
    def evidence(self) -> list[str]:
        """What the answer may lean on: results of tools, cited passages, and what was said before."""
        found = [fact for tool in self.tools if tool.ok for fact in (tool.facts or [tool.summary])]
        cited = [text for citation in self.citations for text in (citation.span, citation.title)]
        said = [self.message, *(each.text for each in self.history)]
        return [*found, *cited, *said]


def transcript_of(message: str, events: Sequence[TurnEvent], *, history: Sequence[HistoryMessage] = ()) -> Transcript:
    """The transcript of a turn's events. Times of arrival are not in them: the reader adds its own."""
    made = Transcript(message=message, history=list(history))
    by_call: dict[tuple[str, str], ToolUse] = {}
    for event in events:
        match event:
            case TurnStarted():
                made.turn_id, made.conversation_id = event.turn_id, event.conversation_id
                made.trace_id = event.trace_id
            case RouteDecided():
                made.routed_by = event.by
            case ToolCalled():
                use = ToolUse(agent=event.agent, call_id=event.call_id, name=event.name, arguments=event.arguments)
                by_call[event.agent, event.call_id] = use
                made.tools.append(use)
            case ToolReturned():
                use = by_call.get((event.agent, event.call_id))
                if use is not None:
                    use.ok, use.summary, use.facts = event.ok, event.summary, event.facts
            case TurnCompleted():
                made.text, made.agents, made.citations = event.text, event.agents, event.citations
                made.cost_picousd, made.duration_ms = event.cost_picousd, event.duration_ms
                made.prompt_tokens = event.usage.prompt_tokens
                made.completion_tokens = event.usage.completion_tokens
                made.cache_hit = event.cache_hit
            case TurnFailed():
                made.code, made.failure = event.code, event.message
            case _:
                pass
    return made
