"""What follows a turn that ended, and holds nobody up: its event, the hand-over it made, memory, evaluation.

In this process's memory: what a crash loses here is a notice, never an answer.
"""

from collections.abc import Sequence
from typing import Any

from services.supervisor.desk.handover import event_of_handover
from services.supervisor.feedback.online_evaluation import OnlineEvaluation
from services.supervisor.memory.consolidation import Consolidation
from services.supervisor.turns.event_log import Frame
from services.supervisor.turns.publisher import BackgroundPublisher
from services.supervisor.turns.records import Turn, now
from switchboard.contracts import topics
from switchboard.contracts.turns import HistoryMessage

_IN_EVENT = {
    *("turn_id", "conversation_id", "tenant", "user", "status", "agents"),
    *("usage", "cache_hit", "code", "trace_id", "duration_ms"),
}


class Outbox:
    """Takes turns that ended. Waits for nothing, raises nothing."""

    def __init__(
        self, publisher: BackgroundPublisher, evaluation: OnlineEvaluation, consolidation: Consolidation
    ) -> None:
        self._publisher = publisher
        self._evaluation = evaluation
        self._consolidation = consolidation

    def put(self, turn: Turn, frames: Sequence[Frame] = (), history: Sequence[HistoryMessage] = ()) -> None:
        """`frames` are the turn's events, none for an asynchronous one; `history` is what stood before it."""
        self._publisher.publish(topics.CONVERSATION_EVENTS, event_of(turn))
        self._evaluation.consider(turn, frames, history)
        self._consolidation.after(turn)
        if turn.handover is not None and turn.status == "completed":
            whose = (turn.conversation_id, turn.tenant, turn.user)
            event = event_of_handover(turn.handover, *whose, by=turn.user)
            self._publisher.publish(topics.HANDOVER, event.model_dump(mode="json"))


def event_of(turn: Turn) -> dict[str, Any]:
    """The data of an event on `conversation.events`: what a ledger or an audit needs, without the words."""
    return turn.model_dump(mode="json", include=_IN_EVENT) | {"at": now().isoformat()}
