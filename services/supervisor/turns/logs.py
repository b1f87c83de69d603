"""The event logs of turns: of those that run in this process and the last that ended; of all others, from where all see them."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress

from services.supervisor.turns.conversations import Conversations
from services.supervisor.turns.event_log import EventLog
from services.supervisor.turns.fair_share import FairShares, Share
from services.supervisor.turns.merge import SUPERVISOR, Emit
from services.supervisor.turns.records import Turn
from services.supervisor.turns.streams.port import Batch, Cursor, EventStreams
from switchboard.contracts.errors import OurError, SwitchboardError, Unavailable
from switchboard.contracts.events import MessageDelta, TurnCompleted, TurnEvent, TurnReset, TurnStarted
from switchboard.contracts.turns import Principal
from switchboard.sidecar import keys

FINISHED_MAX = 256
"""Finished turns kept for readers that lost their connection; older ones are read from where all replicas see them."""
RETRY_AFTER_S = 2
SILENCE_S = 0.5
"""After so long without an event of a turn that another replica answers, its record is looked at."""


class TurnLogs:
    """At most `turns_max` turns run at once. May be called concurrently; close it with the app."""

    def __init__(
        self, conversations: Conversations, streams: EventStreams, turns_max: int, shares: FairShares | None = None
    ) -> None:
        self._conversations = conversations
        self._streams = streams
        self._turns_max = turns_max
        self._shares = shares or FairShares(Share(tenant_max=turns_max, user_max=turns_max))
        self._running: dict[EventLog, Principal | None] = {}
        """With whose share each counts in."""
        self._by_id: dict[str, EventLog] = {}
        self._finished: OrderedDict[str, EventLog] = OrderedDict()
        self._following: set[asyncio.Task[None]] = set()

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
        return self._opened(principal)

    async def resume(self, turn: Turn) -> EventLog:
        """The log of a turn that this replica has taken over, with what was said in it; nobody else writes it any more.

        Where that is not known, it has no number for what comes now (`is_whole`). It counts in nobody's share. Raises
        `Fenced`.
        """
        name, batch = keys.turn_events(turn.tenant, turn.turn_id), None
        with suppress(Unavailable):
            await self._streams.fence(name, turn.attempt)
            batch = await self._streams.read(name, Cursor())
        log = self._opened(None)
        log.accept(turn)
        self.name(log)
        is_known = batch is not None and (bool(batch.frames) or self._streams.outlives_process)
        log.is_whole = is_known and not turn.log_is_partial
        log.take(batch.frames if batch is not None else ())
        return log

    def here(self, turn_id: str) -> EventLog | None:
        """Of a turn that runs in this process."""
        return self._by_id.get(turn_id)

    def name(self, log: EventLog) -> None:
        """From now on it is found by its turn id."""
        self._by_id[log.turn_id] = log

    def finish(self, log: EventLog) -> None:
        """Its turn has ended; another may run in its place. Whoever reads one that was lost goes on elsewhere."""
        if (principal := self._running.pop(log, None)) is not None:
            self._shares.give_back(principal)
        if self._by_id.pop(log.turn_id, None) is None:
            return
        if log.is_lost and log.turn is not None:
            self._follow(Principal(tenant=log.turn.tenant, user=log.turn.user), log.turn, log, log.heard)
            return
        self._finished[log.turn_id] = log
        while len(self._finished) > FINISHED_MAX:
            self._finished.popitem(last=False)

    async def follow(self, principal: Principal, turn_id: str, after: int = 0) -> EventLog:
        """A turn to read behind event `after`, again or from elsewhere, live. Raises `NotFound`, for somebody else's too."""
        turn = await self._conversations.turn(principal, turn_id)
        log = self._by_id.get(turn_id) or self._finished.get(turn_id)
        if log is not None:
            return log
        log = EventLog.of(turn_id)
        self._follow(principal, turn, log, after)
        return log

    async def erase(self, turns: Sequence[Turn]) -> None:
        """Erases what was said in turns that have ended, where all replicas see it. Raises `Unavailable`."""
        for turn in turns:
            await self._streams.erase(keys.turn_events(turn.tenant, turn.turn_id))

    async def close(self) -> None:
        """Ends the reading of turns of other processes."""
        for task in self._following:
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)

    def _opened(self, principal: Principal | None) -> EventLog:
        log = EventLog(self._streams)
        self._running[log] = principal
        return log

    def _follow(self, principal: Principal, turn: Turn, log: EventLog, after: int) -> None:
        task = asyncio.create_task(_Following(self._conversations, self._streams, principal, turn, log).run(after))
        self._following.add(task)
        task.add_done_callback(self._following.discard)


class _Following:
    """Fills a log with the events of a turn that another process answers, or answered."""

    def __init__(
        self, conversations: Conversations, streams: EventStreams, principal: Principal, turn: Turn, log: EventLog
    ) -> None:
        self._conversations = conversations
        self._streams = streams
        self._principal = principal
        self._turn = turn
        self._log = log

    async def run(self, after: int) -> None:
        """To the turn's end, which always comes: its lease bounds how long. What the log misses, the record tells."""
        error: SwitchboardError = OurError()
        try:
            if not await self._from_log(0.0 if self._turn.status != "running" else SILENCE_S):
                while self._turn.status == "running":
                    await asyncio.sleep(SILENCE_S)
                    await self._look()
                tell_record(self._turn, self._log, after)
        except SwitchboardError as known:
            error = known
        finally:
            if self._log.ended is None:
                self._turn.fail(error)
                self._log.make(self._turn.ended)

    async def _from_log(self, wait_s: float) -> bool:
        """Whether the log held the turn to its end."""
        cursor = Cursor()
        while self._log.ended is None:
            batch = await self._read(cursor, wait_s)
            if batch is None:
                return False
            cursor = batch.after
            if not batch.frames:
                if self._turn.status != "running":
                    return False
                await self._look()
            elif batch.frames[0].seq > self._log.seq + 1:
                return False  # what is before that was lost with the store
            else:
                self._log.take(batch.frames)
        return True

    async def _read(self, cursor: Cursor, wait_s: float) -> Batch | None:
        try:
            return await self._streams.read(
                keys.turn_events(self._turn.tenant, self._turn.turn_id), cursor, wait_s=wait_s
            )
        except Unavailable:
            return None

    async def _look(self) -> None:
        self._turn = await self._conversations.turn(self._principal, self._turn.turn_id)


def tell_record(turn: Turn, log: EventLog, after: int) -> None:
    """Tells a turn that ended by its record, to a reader that has the events to number `after`."""
    if not log.frames and after == 0:
        log.make(TurnStarted(turn_id=turn.turn_id, conversation_id=turn.conversation_id, trace_id=turn.trace_id))
        if turn.route is not None:
            log.make(turn.route)
        if turn.status == "completed":
            emit_whole(_completed(turn), lambda event, data=None: log.make(event))
    elif turn.status == "completed":
        log.make(TurnReset(text=turn.text, citations=turn.citations))
    log.make(turn.ended, turn.events)


def emit_whole(answer: TurnCompleted, emit: Emit) -> None:
    """Says an answer that is there whole: its words, then its citations."""
    if answer.text:
        emit(MessageDelta(agent=answer.agents[0] if answer.agents else SUPERVISOR, text=answer.text))
    for citation in answer.citations:
        emit(citation)


def _completed(turn: Turn) -> TurnCompleted:
    ended: TurnEvent = turn.ended
    assert isinstance(ended, TurnCompleted)
    return ended
