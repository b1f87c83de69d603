"""The event logs of turns: of those that run in this process and the last that ended; of all others, made of their records."""

import asyncio
from collections import OrderedDict

from services.supervisor.turns.conversations import Conversations
from services.supervisor.turns.event_log import EventLog
from services.supervisor.turns.fair_share import FairShares, Share
from services.supervisor.turns.merge import SUPERVISOR, Emit
from services.supervisor.turns.records import Turn
from switchboard.contracts.errors import OurError, SwitchboardError, Unavailable
from switchboard.contracts.events import MessageDelta, TurnCompleted, TurnStarted
from switchboard.contracts.turns import Principal

FINISHED_MAX = 256
"""Finished turns kept for readers that lost their connection; older ones are read from the store."""
RETRY_AFTER_S = 2
POLL_S = 0.25
"""How often a turn that runs in another process is looked at."""


class TurnLogs:
    """At most `turns_max` turns run at once. May be called concurrently; close it with the app."""

    def __init__(self, conversations: Conversations, turns_max: int, shares: FairShares | None = None) -> None:
        self._conversations = conversations
        self._turns_max = turns_max
        self._shares = shares or FairShares(Share(tenant_max=turns_max, user_max=turns_max))
        self._running: dict[EventLog, Principal] = {}
        self._by_id: dict[str, EventLog] = {}
        self._finished: OrderedDict[str, EventLog] = OrderedDict()
        self._polls: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """How many turns run here."""
        return len(self._running)

    def open(self, principal: Principal) -> EventLog:
        """The log of a turn that begins. Raises `LimitExceeded` above a fair share, `Unavailable` when as many run as may."""
        if len(self._running) >= self._turns_max:
            raise Unavailable(
                "Too many people are asking at once. Please try again in a moment.", retry_after_s=RETRY_AFTER_S
            )
        self._shares.take(principal)
        log = EventLog()
        self._running[log] = principal
        return log

    def name(self, log: EventLog) -> None:
        """From now on it is found by its turn id."""
        self._by_id[log.turn_id] = log

    def finish(self, log: EventLog) -> None:
        """Its turn has ended; another may run in its place."""
        if (principal := self._running.pop(log, None)) is not None:
            self._shares.give_back(principal)
        if self._by_id.pop(log.turn_id, None) is None:
            return
        self._finished[log.turn_id] = log
        while len(self._finished) > FINISHED_MAX:
            self._finished.popitem(last=False)

    async def follow(self, principal: Principal, turn_id: str) -> EventLog:
        """A turn to read, again or from elsewhere: live where it runs here. Raises `NotFound`, for somebody else's too."""
        turn = await self._conversations.turn(principal, turn_id)
        log = self._by_id.get(turn_id) or self._finished.get(turn_id)
        if log is not None:
            return log
        log = EventLog.of(turn_id)
        if turn.status == "running":
            poll = asyncio.create_task(self._poll(principal, turn, log))
            self._polls.add(poll)
            poll.add_done_callback(self._polls.discard)
        else:
            emit_record(turn, log)
        return log

    async def close(self) -> None:
        """Ends the reading of turns of other processes."""
        for poll in self._polls:
            poll.cancel()
        await asyncio.gather(*self._polls, return_exceptions=True)

    async def _poll(self, principal: Principal, turn: Turn, log: EventLog) -> None:
        """Follows a turn of another process by its record; its lease bounds how long. The log always ends."""
        error: SwitchboardError = OurError()
        try:
            while turn.status == "running":
                await asyncio.sleep(POLL_S)
                turn = await self._conversations.turn(principal, turn.turn_id)
            emit_record(turn, log)
        except SwitchboardError as known:
            error = known
        finally:
            if log.ended is None:
                turn.fail(error)
                log.emit(turn.ended)


def emit_record(turn: Turn, log: EventLog) -> None:
    """Emits the turn that ended, in the order of the original; its words come in one piece."""
    log.emit(TurnStarted(turn_id=turn.turn_id, conversation_id=turn.conversation_id, trace_id=turn.trace_id))
    if turn.route is not None:
        log.emit(turn.route)
    ended = turn.ended
    if isinstance(ended, TurnCompleted):
        emit_whole(ended, log.emit)
    log.emit(ended)


def emit_whole(answer: TurnCompleted, emit: Emit) -> None:
    """Says an answer that is there whole: its words, then its citations."""
    if answer.text:
        emit(MessageDelta(agent=answer.agents[0] if answer.agents else SUPERVISOR, text=answer.text))
    for citation in answer.citations:
        emit(citation)
