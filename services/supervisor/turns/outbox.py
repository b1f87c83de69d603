"""What follows a turn that ended, and holds nobody up: its event, the hand-over it made, memory, evaluation.

It stands in the turn's record from the moment it ended (`Turn.outbox`) until it is done, and the replica keeps the turn in
hand as long: what a crash leaves is done by whoever takes that over. So each may come twice, and never not at all.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from services.supervisor.desk.handover import event_of_handover
from services.supervisor.feedback.online_evaluation import OnlineEvaluation
from services.supervisor.memory.consolidation import Consolidation
from services.supervisor.turns.conversations import Conversations
from services.supervisor.turns.publisher import BackgroundPublisher
from services.supervisor.turns.records import Following, Turn, now
from services.supervisor.turns.replicas.in_hand import Slot
from services.supervisor.turns.streams.port import Frame
from switchboard.contracts import topics
from switchboard.contracts.errors import SwitchboardError
from switchboard.contracts.turns import HistoryMessage

OPEN_MAX = 1_000
"""Turns whose outbox is not empty; of more, what cannot be done now is left to their records."""
CLEAR_AFTER_S = 0.5
"""Done turns are cleared together: nobody waits for it."""
CLEARED_AT_ONCE = 50

_IN_EVENT = {
    *("turn_id", "conversation_id", "tenant", "user", "status", "agents"),
    *("usage", "cache_hit", "code", "trace_id", "duration_ms"),
}

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Open:
    """A turn of which something is still to be done."""

    turn: Turn
    frames: Sequence[Frame]
    history: Sequence[HistoryMessage]
    slot: Slot | None
    left: set[Following]
    under_way: set[Following] = field(default_factory=set[Following])


class Outbox:
    """Takes turns that ended. Waits for nothing, raises nothing. Close it after the publisher."""

    def __init__(
        self,
        conversations: Conversations,
        publisher: BackgroundPublisher,
        evaluation: OnlineEvaluation,
        consolidation: Consolidation,
    ) -> None:
        self._conversations = conversations
        self._publisher = publisher
        self._evaluation = evaluation
        self._consolidation = consolidation
        self._open: dict[str, _Open] = {}
        self._done: list[_Open] = []
        self._clearing: asyncio.Task[None] | None = None

    def due(self, turn: Turn) -> list[Following]:
        """What will follow `turn` as it ended: to be written with its end."""
        following: list[Following] = ["event"]
        if turn.status == "completed":
            following.append("memory")
            if turn.handover is not None:
                following.append("handover")
        if self._evaluation.wants(turn):
            following.append("evaluation")
        return following

    def put(
        self,
        turn: Turn,
        frames: Sequence[Frame] = (),
        history: Sequence[HistoryMessage] = (),
        slot: Slot | None = None,
    ) -> None:
        """Does what `turn.outbox` names. `frames` are the turn's events, none for an asynchronous one; `history` is what
        stood before it; `slot` is freed when all is done."""
        opened = _Open(turn, frames, history, slot, set(turn.outbox))
        if len(self._open) >= OPEN_MAX:
            oldest = next(iter(self._open.values()))
            logger.error("turn %s is left with its outbox: too many wait", oldest.turn.turn_id)
            self._close(oldest)
        self._open[turn.turn_id] = opened
        self._do(opened)

    def retry(self) -> None:
        """Does again what did not succeed: call it now and then."""
        for opened in tuple(self._open.values()):
            self._do(opened)

    async def close(self) -> None:
        """Clears what is done by now."""
        if self._clearing is not None:
            self._clearing.cancel()
            await asyncio.gather(self._clearing, return_exceptions=True)
        await self._clear()

    def _do(self, opened: _Open) -> None:
        turn = opened.turn
        for each in tuple(opened.left - opened.under_way):
            opened.under_way.add(each)
            note = partial(self._note, opened, each)
            match each:
                case "event":
                    self._publisher.publish(topics.CONVERSATION_EVENTS, event_of(turn), note)
                case "handover" if turn.handover is not None:
                    whose = (turn.conversation_id, turn.tenant, turn.user)
                    event = event_of_handover(turn.handover, *whose, by=turn.user).model_dump(mode="json")
                    self._publisher.publish(topics.HANDOVER, event, note)
                case "memory":
                    self._consolidation.after(turn, note)
                case "evaluation":
                    self._evaluation.consider(turn, opened.frames, opened.history, note)
                case _:
                    opened.left.discard(each)
        self._look(opened)

    def _note(self, opened: _Open, each: Following, done: bool) -> None:
        """`each` was done, or failed and is to be tried again."""
        opened.under_way.discard(each)
        if done:
            opened.left.discard(each)
            self._look(opened)

    def _look(self, opened: _Open) -> None:
        if not opened.left and self._open.get(opened.turn.turn_id) is opened:
            del self._open[opened.turn.turn_id]
            self._done.append(opened)
            if self._clearing is None or self._clearing.done():
                self._clearing = asyncio.create_task(self._clear_soon())

    def _close(self, opened: _Open) -> None:
        self._open.pop(opened.turn.turn_id, None)
        if opened.slot is not None:
            opened.slot.free()

    async def _clear_soon(self) -> None:
        while self._done:
            await asyncio.sleep(CLEAR_AFTER_S)
            await self._clear()

    async def _clear(self) -> None:
        """Takes what is done out of the records, then gives the slots free."""
        while self._done:
            part, self._done = self._done[:CLEARED_AT_ONCE], self._done[CLEARED_AT_ONCE:]
            try:
                await self._conversations.clear_outboxes([each.turn for each in part])
            except SwitchboardError as error:
                logger.warning("the outboxes of %d turns are not cleared yet: %s", len(part), error.code)
                self._done += part
                return
            except ValueError:
                logger.exception("The outboxes of %d turns cannot be cleared.", len(part))
            for each in part:
                if each.slot is not None:
                    each.slot.free()


def event_of(turn: Turn) -> dict[str, Any]:
    """The data of an event on `conversation.events`: what a ledger or an audit needs, without the words."""
    return turn.model_dump(mode="json", include=_IN_EVENT) | {"at": now().isoformat()}
