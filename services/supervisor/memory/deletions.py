"""Deleting what a user wants to be deleted: a task that is written down first, and done however long it takes.

Whatever state a turn is in, a deletion is accepted: what is being answered is cancelled. Mostly all is done at once. What
cannot be done now is tried again by this replica, and by another one should this one die.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from services.supervisor.memory.privacy import Forgotten, MemoryPrivacy, each_there
from services.supervisor.turns.cancellation import Cancellation
from services.supervisor.turns.conversations import Conversations
from services.supervisor.turns.logs import TurnLogs
from services.supervisor.turns.records import now
from services.supervisor.turns.replicas.in_hand import DeletionInHand, Slot, Slots
from services.supervisor.turns.streams.port import KEPT_S
from switchboard.contracts.errors import SwitchboardError
from switchboard.contracts.turns import Principal
from switchboard.sidecar.ports import StateStore

AGAIN_S = 2.0
LOGS_KEPT = timedelta(seconds=2 * KEPT_S)
"""Of turns that were accepted longer ago, no event log is left."""
AT_ONCE_S_MAX = 15.0
"""A client waits no longer; then it is told that the rest is done without it."""

logger = logging.getLogger(__name__)


class Deletions:
    """May be called concurrently; close it with the app."""

    def __init__(
        self,
        state: StateStore,
        slots: Slots,
        conversations: Conversations,
        privacy: MemoryPrivacy,
        cancellation: Cancellation,
        logs: TurnLogs,
    ) -> None:
        self._state = state
        self._slots = slots
        self._conversations = conversations
        self._privacy = privacy
        self._cancellation = cancellation
        self._logs = logs
        self._tasks: set[asyncio.Task[None]] = set()

    async def conversation(self, principal: Principal, conversation_id: str) -> bool:
        """Whether one of the user's conversations is deleted now; else it will be. Raises `NotFound`, `Unavailable`."""
        await self._conversations.conversation(principal, conversation_id)
        return (await self._ask(principal, conversation_id)) is not None

    async def everything(self, principal: Principal) -> Forgotten:
        """What is remembered of the user, and all their conversations. Raises `Unavailable` where it was not written down."""
        return await self._ask(principal, "") or Forgotten(conversations=0, transcripts=True, pending=True)

    async def take(self, entry: DeletionInHand) -> None:
        """Takes over what a replica that is gone had not done. Raises `Unavailable`."""
        slot = await self._written(entry)
        self._go_on(entry, slot)

    async def close(self) -> None:
        """What is not done by now is another replica's."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ask(self, principal: Principal, conversation_id: str) -> Forgotten | None:
        entry = DeletionInHand(
            tenant=principal.tenant, user=principal.user, conversation_id=conversation_id, asked_at=now()
        )
        slot = await self._written(entry)
        try:
            async with asyncio.timeout(AT_ONCE_S_MAX):
                done = await self._do(entry)
                await self._done(slot)
                return done
        except (SwitchboardError, TimeoutError) as error:
            logger.warning("a deletion of user %s is not done yet: %s", entry.user, error)
            self._go_on(entry, slot)
            return None

    def _go_on(self, entry: DeletionInHand, slot: Slot) -> None:
        task = asyncio.create_task(self._until_done(entry, slot))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until_done(self, entry: DeletionInHand, slot: Slot) -> None:
        while True:
            await asyncio.sleep(AGAIN_S)
            try:
                await self._do(entry)
                await self._done(slot)
                return
            except SwitchboardError as error:
                logger.warning("a deletion of user %s is not done yet: %s", entry.user, error.code)

    async def _written(self, entry: DeletionInHand) -> Slot:
        slot = self._slots.take()
        try:
            await self._state.put(slot.key, entry.model_dump(mode="json"))
        except BaseException:
            slot.free()
            raise
        return slot

    async def _done(self, slot: Slot) -> None:
        """Not to be done again: what the user says from now on stays."""
        await self._state.delete(slot.key)
        slot.free()

    async def _do(self, entry: DeletionInHand) -> Forgotten:
        principal = Principal(tenant=entry.tenant, user=entry.user)

        async def delete(conversation_ids: Sequence[str]) -> int:
            ended = await each_there(conversation_ids, lambda each: self._ended(principal, each, entry.asked_at))
            await self._conversations.erase_published([each for each in ended if each])
            done = await each_there(
                [each for each in ended if each], lambda each: self._conversations.delete(principal, each)
            )
            return len(done)

        if not entry.conversation_id:
            return await self._privacy.forget(principal, delete=delete)
        await delete([entry.conversation_id])  # where it is not there, it was done, and only not yet noted
        return Forgotten(conversations=1, transcripts=True)

    async def _ended(self, principal: Principal, conversation_id: str, asked_at: datetime) -> str:
        """The conversation's id, when no turn of it runs any more and the event logs are empty; empty for one that began later, and stays.

        Raises `NotFound`.
        """
        conversation = await self._conversations.conversation(principal, conversation_id)
        if conversation.created_at > asked_at:
            return ""
        for turn in await self._conversations.running(principal, conversation_id):
            await self._cancellation.cancel(principal, turn.turn_id)
        lately = await self._conversations.turns_since(principal, conversation_id, now() - LOGS_KEPT)
        await self._logs.erase([turn for turn in lately if turn.owner])
        return conversation_id
