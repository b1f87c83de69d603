"""Consolidates turns into memory after they were answered: nobody waits for it, and it holds no turn up.

Turns wait a second for the next one of their conversation, so that a fast conversation is folded in batches. What a
crash loses here is folded with the conversation's next turn; of a user's memory, the turns of the last second.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.supervisor.turns.records import Conversation, Turn
from switchboard.contracts.errors import SwitchboardError
from switchboard.memory.conversation_memory import AnsweredTurn, ConversationMemory, folded
from switchboard.memory.summary import Summarizer
from switchboard.memory.tiers.index import ConversationIndex, Entry
from switchboard.memory.tiers.store import MOVED_KEY, TieredStore, is_erased
from switchboard.memory.user_memory import UserMemory
from switchboard.models.caller import Caller
from switchboard.sidecar import keys
from switchboard.sidecar.change import change
from switchboard.sidecar.ports import StateStore

PAUSE_S = 1.0
WAITING_MAX = 1_000
"""Conversations that wait; the oldest is folded with its next turn instead."""
LEARNED_TURNS_MAX = 20
FOLD_TURNS_MAX = 100
"""In one go; the rest comes with the next turn."""
ATTEMPTS_MAX = 4
"""Of a write that may ask a model each time; what is lost here comes with the next turn."""
AT_ONCE_MAX = 4
"""Conversations folded at the same time: a model that is slow with one holds up few."""
CLOSING_S_MAX = 2.0

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Waiting:
    due_at: float
    user: str
    turns: list[AnsweredTurn] = field(default_factory=list[AnsweredTurn])
    notes: list[Callable[[bool], None]] = field(default_factory=list[Callable[[bool], None]])


class Consolidation:
    """Call `after` for each turn that was answered; open it with the app and close it after the turns."""

    def __init__(
        self,
        state: StateStore,
        tiers: TieredStore,
        summarizer_for: Callable[[Caller], Summarizer],
        index: ConversationIndex | None = None,
    ) -> None:
        self._state = state
        self._index = index
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

    def after(self, turn: Turn, note: Callable[[bool], None] = lambda _: None) -> None:
        """Remembers what was said, soon. Raises nothing, waits for nothing. `note` is told when it is over with."""
        if turn.status != "completed":
            note(True)
            return
        key = (turn.tenant, turn.conversation_id)
        now = asyncio.get_running_loop().time()
        waiting = self._waiting.setdefault(key, _Waiting(now + PAUSE_S, turn.user))
        waiting.turns.append(answered_turn(turn))
        waiting.notes.append(note)
        del waiting.turns[:-LEARNED_TURNS_MAX]
        if len(self._waiting) > WAITING_MAX:
            _, dropped = self._waiting.popitem(last=False)
            _noted(dropped)
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
        _noted(waiting)

    async def _remember(self, tenant: str, conversation_id: str, waiting: _Waiting) -> None:
        conversation, memory, user = await self._state.get_many(
            [
                keys.conversation(tenant, conversation_id),
                keys.conversation_memory(tenant, conversation_id),
                keys.user_memory(tenant, waiting.user),
            ]
        )
        if conversation is None or is_erased(conversation):
            return  # deleted meanwhile
        record = Conversation.model_validate(conversation.value)
        known = ConversationMemory.model_validate(memory.value) if memory is not None else ConversationMemory()
        in_tail = min((each.n for each in record.tail), default=record.turn_count + 1)
        if known.upto < in_tail - 1:
            await self._fold(tenant, waiting.user, conversation_id, in_tail)
        if user is not None and (user.value.get("consent") or MOVED_KEY in user.value):
            await self._learn(tenant, waiting.user, conversation_id, waiting.turns)

    async def _fold(self, tenant: str, user: str, conversation_id: str, before: int) -> None:
        """Folds the turns that have left the tail, in their order, as far as they ended."""

        async def fold(memory: ConversationMemory | None) -> ConversationMemory | None:
            known = memory or ConversationMemory()
            numbers = range(known.upto + 1, min(before, known.upto + 1 + FOLD_TURNS_MAX))
            values = await self._tiers.turns(tenant, conversation_id, numbers) if numbers else []
            turns = [Turn.model_validate(value).as_read() for value in values if value is not None]
            running = next((turn.n for turn in turns if turn.status == "running"), before)
            answered = [answered_turn(turn) for turn in turns if turn.status == "completed" and turn.n < running]
            ids = {"tenant": tenant, "user": user, "conversation": conversation_id}
            caller = Caller.internal(feature="memory", lane="batch", **ids)
            after = await folded(known, answered, self._summarizer_for(caller))
            after.upto = max(after.upto, min(running, numbers.stop) - 1) if numbers else after.upto
            return after if after != known else None

        key = keys.conversation_memory(tenant, conversation_id)
        await change(self._state, key, fold, ConversationMemory, attempts_max=ATTEMPTS_MAX)

    async def _learn(self, tenant: str, user: str, conversation_id: str, turns: Sequence[AnsweredTurn]) -> None:
        key = keys.user_memory(tenant, user)

        async def learn(value: dict[str, Any] | None) -> dict[str, Any] | None:
            if value is None:
                return None  # forgotten meanwhile
            if MOVED_KEY in value:
                found = await self._tiers.find_below(key)
                value = found.value if found is not None else {}
                if self._index is not None:  # before it is hot again: else nothing would move it down any more
                    await self._index.opened(Entry(tenant=tenant, user=user), "again")
            before = UserMemory.model_validate(value)
            after = before.learned(conversation_id, turns)
            return after.model_dump(mode="json") if after != before else None

        await change(self._state, key, learn, attempts_max=ATTEMPTS_MAX)


def _noted(waiting: _Waiting) -> None:
    """What was not folded is folded with the conversation's next turn: nothing is tried again."""
    for note in waiting.notes:
        note(True)


def answered_turn(turn: Turn) -> AnsweredTurn:
    return AnsweredTurn(turn.n, turn.message, turn.text, turn.created_at)
