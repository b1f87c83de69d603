"""Cancelling a turn, wherever it runs: its record decides, and who answers it is told, so that no more is spent on it."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from services.supervisor.turns.accept import Ask
from services.supervisor.turns.conversations import Conversations
from services.supervisor.turns.life import Turns
from services.supervisor.turns.logs import TurnLogs
from services.supervisor.turns.records import Turn
from services.supervisor.turns.streams.port import EventStreams
from switchboard.contracts.errors import Conflict, SwitchboardError, Unavailable
from switchboard.contracts.turns import Principal
from switchboard.sidecar import keys

ATTEMPTS_MAX = 5
"""A turn that changes hands just now is looked at again."""
LISTEN_S = 0.5
AWAY_S = 1.0

logger = logging.getLogger(__name__)


class Cancellation:
    """May be called concurrently. `listen` runs as long as the app."""

    def __init__(
        self, conversations: Conversations, turns: Turns, logs: TurnLogs, streams: EventStreams, replica: str
    ) -> None:
        self._conversations = conversations
        self._turns = turns
        self._logs = logs
        self._streams = streams
        self._replica = replica
        self._leaving: set[asyncio.Task[None]] = set()

    async def cancel(self, principal: Principal, turn_id: str) -> Turn:
        """The turn as it ended: cancelled, or as it had ended before that. Raises `NotFound`, for somebody else's too."""
        for _ in range(ATTEMPTS_MAX):
            turn = await self._conversations.turn(principal, turn_id)
            if turn.status != "running":
                return turn
            log = self._turns.cancel_here(turn_id)
            if log is not None or await self._take(turn):
                log = log or self._logs.here(turn_id)
                if log is not None:
                    await log.end()
        return await self._conversations.turn(principal, turn_id)

    def leaving(self, ask: Ask, turn_id: str) -> Callable[[], None] | None:
        """What is to be done when the client leaves the stream before its end: nothing, unless it asked for it."""
        if not ask.request.cancel_on_disconnect:
            return None

        def leave() -> None:
            task = asyncio.create_task(self._left(ask.principal, turn_id))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

        return leave

    async def _left(self, principal: Principal, turn_id: str) -> None:
        with suppress(SwitchboardError):  # then it goes on to its end
            await self.cancel(principal, turn_id)

    async def _take(self, turn: Turn) -> bool:
        """Takes a turn from the replica that answers it, to end it here. False where it has just changed hands."""
        item = await self._conversations.record_of(turn.tenant, turn.conversation_id, turn.n)
        if item is None:
            return False
        held = Turn.model_validate(item.value)
        try:
            await self._turns.take_over(held, item.etag, cancel=True)
        except Conflict:
            return False
        if held.owner:
            try:
                await self._streams.call(keys.replica_calls(held.owner), held.turn_id)
            except Unavailable:
                logger.warning("Replica %s goes on with turn %s until it wants to write.", held.owner, held.turn_id)
        return True

    async def listen(self) -> None:
        """Stops the turns that others have taken from this replica, until it is cancelled."""
        heard = ""
        while True:
            try:
                told, heard = await self._streams.calls(keys.replica_calls(self._replica), heard, wait_s=LISTEN_S)
            except Unavailable:
                await asyncio.sleep(AWAY_S)
                continue
            for turn_id in told:
                if (log := self._logs.here(turn_id)) is not None:
                    log.lose()
