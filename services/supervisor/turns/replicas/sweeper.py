"""Ends what dead replicas leave: each replica watches the others every two seconds, and one at a time sweeps up."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from services.supervisor.turns.conversations import Conversations
from services.supervisor.turns.outbox import Outbox
from services.supervisor.turns.records import Turn
from services.supervisor.turns.replicas.heartbeat import BEAT_S, Replicas
from services.supervisor.turns.replicas.in_hand import DeletionInHand, InHand, Slots, clear_in_hand, in_hand_of
from switchboard.contracts.errors import Conflict, NotFound, SwitchboardError
from switchboard.sidecar.lease import Lease
from switchboard.sidecar.ports import StateStore

LEASE_NAME, LEASE_S = "turns-sweep", 10

POSTPONED_MAX = 5
"""Rounds that wait for agents."""

Delete = Callable[[DeletionInHand], Awaitable[None]]
"""Takes a deletion in hand here."""
TakeOver = Callable[[Turn, str], Awaitable[None]]
"""Answers a turn again or ends it, by its record and ETag."""

logger = logging.getLogger(__name__)


class Sweeper:
    """This replica's heartbeat, and the sweeping of what others leave. `run` it as long as the app runs."""

    def __init__(
        self,
        state: StateStore,
        replicas: Replicas,
        slots: Slots,
        lease: Lease,
        conversations: Conversations,
        outbox: Outbox,
        take_over: TakeOver,
        delete: Delete,
        can_answer: Callable[[], bool] = lambda: True,
    ) -> None:
        """`can_answer`: whether agents are known that a turn could be dispatched to again."""
        self._state = state
        self._replicas = replicas
        self._slots = slots
        self._lease = lease
        self._conversations = conversations
        self._outbox = outbox
        self._take_over = take_over
        self._delete = delete
        self._can_answer = can_answer
        self._postponed = 0

    async def run(self) -> None:
        """A round every two seconds, until it is cancelled."""
        while True:
            try:
                await self.round()
            except SwitchboardError as error:
                logger.warning("a round of the sweeper was cut short: %s", error.code)
            except Exception:  # one record that nobody foresaw must not end the sweeping of all others
                logger.exception("A round of the sweeper failed.")
            await asyncio.sleep(BEAT_S)

    async def round(self) -> None:
        """One heartbeat, one look at the others, and what is to be done for those that are gone. Raises `Unavailable`."""
        await self._replicas.beat()
        self._outbox.retry()
        gone = await self._replicas.look()
        if not gone:
            return
        if not self._can_answer() and self._postponed < POSTPONED_MAX:
            self._postponed += 1  # where everything starts at once, agents are there in a moment
            return
        if not await self._lease.take():
            return
        try:
            for replica in gone:
                logger.warning("replica %s is gone: what it had in hand is taken over", replica)
                await self._sweep(replica)
                await self._replicas.forget(replica)
        finally:
            await self._lease.give_back()

    async def _sweep(self, replica: str) -> None:
        """All that a replica had in hand is ended, or in the hands of a living one, when it returns."""
        slots = await in_hand_of(self._state, replica)
        for deletion in slots.values():
            if isinstance(deletion, DeletionInHand):
                await self._delete(deletion)
        entries = [entry for entry in slots.values() if isinstance(entry, InHand)]
        for item in await self._conversations.records_of(entries):
            turn = Turn.model_validate(item.value)
            if turn.owner != replica:
                continue
            try:
                if turn.status == "running":
                    await self._take_over(turn, item.etag)
                elif turn.outbox:
                    await self._follow_up(turn, item.etag)
            except (Conflict, NotFound):
                continue  # it has just ended, or somebody else has it; or its conversation is deleted
        await clear_in_hand(self._state, replica, slots)

    async def _follow_up(self, turn: Turn, etag: str) -> None:
        """A turn that ended, and of which the rest is to be done: its place in the conversation, and its outbox."""
        slot = self._slots.take()
        taken = turn.model_copy(update={"owner": self._slots.owner})
        try:
            await self._conversations.take_turn(taken, etag, slot)
        except BaseException:
            slot.free()
            raise
        await self._conversations.settle(taken)
        self._outbox.put(taken, slot=slot)
