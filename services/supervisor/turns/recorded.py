"""A turn's record told again as events, for a reader that came late."""

from services.supervisor.turns.live import LiveTurn
from services.supervisor.turns.records import Turn
from switchboard.contracts.events import CitationAdded, MessageDelta, TurnCompleted, TurnFailed, TurnStarted


def emit_record(turn: Turn, live: LiveTurn) -> None:
    """Emits the turn that ended, in the order of the original; its words come in one piece."""
    live.emit(TurnStarted(turn_id=turn.turn_id, conversation_id=turn.conversation_id, trace_id=turn.trace_id))
    if turn.route is not None:
        live.emit(turn.route)
    if turn.text:
        live.emit(MessageDelta(agent=turn.agents[0] if turn.agents else "supervisor", text=turn.text))
    for citation in turn.citations:
        live.emit(CitationAdded(**citation.model_dump()))
    live.emit(ended_event(turn))


def ended_event(turn: Turn) -> TurnCompleted | TurnFailed:
    """The last event of a turn that ended."""
    if turn.status == "failed":
        return TurnFailed(
            code=turn.code,
            message=turn.failure,
            retry_after_s=turn.retry_after_s,
            trace_id=turn.trace_id,
            turn_id=turn.turn_id,
            conversation_id=turn.conversation_id,
        )
    return TurnCompleted(
        text=turn.text,
        agents=turn.agents,
        citations=turn.citations,
        usage=turn.usage,
        cost=turn.usage.cost_usd,
        trace_id=turn.trace_id,
        turn_id=turn.turn_id,
        conversation_id=turn.conversation_id,
        duration_ms=turn.duration_ms,
    )
