"""What is remembered of turns, after they were answered: nobody waits for it, and it holds no turn up.

Turns wait a second for the next one of their conversation, so that a fast conversation is folded in batches. What a
crash loses here is folded with the conversation's next turn; of a user's memory, the turns of the last second.
"""

import asyncio
import logging
import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from services.supervisor.turns.records import Conversation, Turn
from switchboard.contracts.errors import Conflict, SwitchboardError
from switchboard.memory.recall import Recall, Said, folded
from switchboard.memory.shelf import Entry, Shelf
from switchboard.memory.summary import Summarizer
from switchboard.memory.tiers import MOVED_KEY, Tiers, is_erased
from switchboard.memory.user import Lesson, UserMemory
from switchboard.models.caller import Caller
from switchboard.sidecar import keys
from switchboard.sidecar.ports import StateStore

PAUSE_S = 1.0
WAITING_MAX = 1_000
"""Conversations that wait; the oldest is folded with its next turn instead."""
LESSON_TURNS_MAX = 20
FOLD_TURNS_MAX = 100
"""In one go; the rest comes with the next turn."""
ATTEMPTS_MAX = 4
AT_ONCE_MAX = 4
"""Conversations folded at the same time: a model that is slow with one holds up few."""
CLOSING_S_MAX = 2.0

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Waiting:
    due_at: float
    user: str
    turns: list[Said] = field(default_factory=list[Said])


class Remembering:
    """Call `after` for each turn that was answered; open it with the app and close it after the turns."""

    def __init__(
        self,
        state: StateStore,
        tiers: Tiers,
        summarizer_for: Callable[[Caller], Summarizer],
        shelf: Shelf | None = None,
    ) -> None:
        self._state = state
        self._shelf = shelf
        self._tiers = tiers
        self._summarizer_for = summarizer_for
        self._waiting: OrderedDict[tuple[str, str], _Waiting] = OrderedDict()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._working: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Folds what waits, at most two seconds long."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        try:
            async with asyncio.timeout(CLOSING_S_MAX):
                await self.drained()
                await asyncio.gather(*self._working)
        except TimeoutError:
            logger.warning("%d conversations are folded with their next turn", len(self._waiting))

    def after(self, turn: Turn) -> None:
        """Remembers what was said, soon. Raises nothing, waits for nothing."""
        if turn.status != "completed":
            return
        key = (turn.tenant, turn.conversation_id)
        now = asyncio.get_running_loop().time()
        waiting = self._waiting.setdefault(key, _Waiting(now + PAUSE_S, turn.user))
        waiting.turns.append(said_of(turn))
        del waiting.turns[:-LESSON_TURNS_MAX]
        if len(self._waiting) > WAITING_MAX:
            self._waiting.popitem(last=False)
        self._wake.set()

    async def drained(self) -> None:
        """Folds what waits, now."""
        while self._waiting:
            (tenant, conversation_id), waiting = self._waiting.popitem(last=False)
            await self._try(tenant, conversation_id, waiting)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                if len(self._working) >= AT_ONCE_MAX:
                    await asyncio.wait(self._working, return_when=asyncio.FIRST_COMPLETED)
                first = next(iter(self._waiting.values()), None)
                if first is None:
                    break
                if (pause_s := first.due_at - loop.time()) > 0:
                    await asyncio.sleep(pause_s)
                    continue
                (tenant, conversation_id), waiting = self._waiting.popitem(last=False)
                task = asyncio.create_task(self._try(tenant, conversation_id, waiting))
                self._working.add(task)
                task.add_done_callback(self._working.discard)

    async def _try(self, tenant: str, conversation_id: str, waiting: _Waiting) -> None:
        try:
            await self._remember(tenant, conversation_id, waiting)
        except SwitchboardError as error:
            logger.warning("conversation %s is folded with its next turn: %s", conversation_id, error.code)
        except Exception:
            logger.exception("Conversation %s was not folded.", conversation_id)

    async def _remember(self, tenant: str, conversation_id: str, waiting: _Waiting) -> None:
        conversation, recall, user = await self._state.get_many(
            [
                keys.conversation(tenant, conversation_id),
                keys.recall(tenant, conversation_id),
                keys.user_memory(tenant, waiting.user),
            ]
        )
        if conversation is None or is_erased(conversation):
            return  # deleted meanwhile
        record = Conversation.model_validate(conversation.value)
        known = Recall.model_validate(recall.value) if recall is not None else Recall()
        in_tail = min((each.n for each in record.tail), default=record.turn_count + 1)
        if known.upto < in_tail - 1:
            await self._fold(tenant, waiting.user, conversation_id, in_tail)
        if user is not None and (user.value.get("consent") or MOVED_KEY in user.value):
            await self._learn(tenant, waiting.user, Lesson(conversation_id, waiting.turns))

    async def _fold(self, tenant: str, user: str, conversation_id: str, before: int) -> None:
        """Folds the turns that have left the tail, in their order, as far as they ended."""
        key = keys.recall(tenant, conversation_id)
        for attempt in range(ATTEMPTS_MAX):
            item = await self._state.get(key)
            known = Recall.model_validate(item.value) if item is not None else Recall()
            numbers = range(known.upto + 1, min(before, known.upto + 1 + FOLD_TURNS_MAX))
            values = await self._tiers.turns(tenant, conversation_id, numbers) if numbers else []
            turns = [Turn.model_validate(value).as_read() for value in values if value is not None]
            running = next((turn.n for turn in turns if turn.status == "running"), before)
            said = [said_of(turn) for turn in turns if turn.status == "completed" and turn.n < running]
            caller = Caller.internal(
                feature="memory", tenant=tenant, user=user, conversation=conversation_id, lane="batch"
            )
            after = await folded(known, said, self._summarizer_for(caller))
            after.upto = max(after.upto, min(running, numbers.stop) - 1) if numbers else after.upto
            if after == known:
                return
            try:
                if item is None:
                    await self._state.create(key, after.model_dump(mode="json"))
                else:
                    await self._state.replace(key, after.model_dump(mode="json"), etag=item.etag)
                return
            except Conflict:
                await asyncio.sleep(random.random() * 0.02 * (attempt + 1))

    async def _learn(self, tenant: str, user: str, lesson: Lesson) -> None:
        key = keys.user_memory(tenant, user)
        for attempt in range(ATTEMPTS_MAX):
            item = await self._state.get(key)
            if item is None:
                return  # forgotten meanwhile
            value = item.value
            if MOVED_KEY in value:
                found = await self._tiers.find_below(key)
                value = found.value if found is not None else {}
                if self._shelf is not None:  # before it is hot again: else nothing would move it down any more
                    await self._shelf.opened(Entry(tenant=tenant, user=user), "again")
            before = UserMemory.model_validate(value)
            after = before.learned([lesson])
            if after == before:
                return
            try:
                await self._state.replace(key, after.model_dump(mode="json"), etag=item.etag)
                return
            except Conflict:
                await asyncio.sleep(random.random() * 0.02 * (attempt + 1))


def said_of(turn: Turn) -> Said:
    return Said(turn.n, turn.message, turn.text, turn.created_at)
