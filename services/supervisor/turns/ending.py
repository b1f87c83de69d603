"""How every turn ends, asked for by chat or as a job: written down, whatever else fails, for as long as that takes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from services.supervisor.turns.conversations import Conversations, Stored, TurnLost
from services.supervisor.turns.records import Turn
from switchboard.contracts.errors import Interrupted, NotFound, OurError, SwitchboardError, Unavailable
from switchboard.sidecar.ports import StateItem

END_S_MAX = 30.0
"""How long the end of an answered turn is tried to be written."""
END_JITTER_S, END_JITTER_S_MAX = 0.1, 1.0
ABANDON_S_MAX = 2.0
"""For writing down that a turn failed while its client waits; then it is written later."""
LATE_S = 2.0

Done = TypeVar("Done")

logger = logging.getLogger(__name__)


class Ending:
    """May be called concurrently, in any number of replicas; close it with the app."""

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations
        self._late: set[asyncio.Task[None]] = set()

    async def end(self, turn: Turn, stored: Awaitable[Stored] | None = None) -> None:
        """Writes how the turn ended, and that into its conversation; while the store is away, each for `END_S_MAX`.

        Raises `TurnLost`, what the state port raises, `NotFound` for a conversation that is deleted.
        """
        conversation = await self.write_end(turn, stored)
        await _tried(lambda: self._conversations.settle(turn, conversation))

    async def write_end(self, turn: Turn, stored: Awaitable[Stored] | None = None) -> StateItem:
        """The first half of `end`: from here on the turn has ended. Returns the conversation as it was read."""
        if stored is not None:
            with suppress(Unavailable):  # from here on everything is read anew
                known = await stored
                await self._conversations.end_turn(turn, known.turn)
                return known.conversation

        async def anew() -> StateItem:
            known = await self._conversations.stored(turn)
            await self._conversations.end_turn(turn, known.turn)
            return known.conversation

        return await _tried(anew)

    async def settle(self, turn: Turn, conversation: StateItem) -> None:
        """The second half of `end`, which nobody need wait for: what fails here the next turn does. Raises nothing."""
        try:
            await _tried(lambda: self._conversations.settle(turn, conversation))
        except NotFound:
            return  # deleted meanwhile
        except Exception:  # it runs in the background, and nobody would hear it
            logger.exception("The end of turn %s is not in its conversation yet.", turn.turn_id)

    async def abandon(self, turn: Turn, error: BaseException) -> None:
        """Ends a turn that cannot be answered for `error`, whatever that is. Bounded in time; raises only `TurnLost`."""
        turn.fail(explained(error))
        await self.end_in_time(turn)

    def mark(self, turn: Turn) -> None:
        """Writes down, in the background, that the log of `turn` misses what was heard; as good as the store answers."""
        task = asyncio.create_task(self._mark(turn))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _mark(self, turn: Turn) -> None:
        def marked(record: Turn) -> Turn | None:
            if record.status != "running" or not record.is_held_as(turn):
                return None
            return record.model_copy(update={"log_is_partial": True})

        with suppress(SwitchboardError):
            await self._conversations.change_turn(turn.tenant, turn.turn_id, marked)

    async def close(self) -> None:
        """What could not be written by now is another replica's to end."""
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)

    async def end_in_time(self, turn: Turn, later: Callable[[], None] = lambda: None) -> bool:
        """As `end`, for a turn without an answer; whether nothing more is to be written. Raises only `TurnLost`.

        What is not written in time is written later, and `later` called then.
        """
        try:
            async with asyncio.timeout(ABANDON_S_MAX):
                await self.end(turn)
        except TurnLost:
            raise
        except NotFound:
            return True  # it was not written down, or is deleted
        except (Unavailable, TimeoutError):
            logger.warning("The end of turn %s cannot be written yet.", turn.turn_id)
            late = asyncio.create_task(self._end_late(turn, later))
            self._late.add(late)
            late.add_done_callback(self._late.discard)
            return False
        except Exception:  # whoever calls this ends a turn that has failed already, and its client is still to be told
            logger.exception("The end of turn %s could not be written down: its lease ends it.", turn.turn_id)
        return True

    async def _end_late(self, turn: Turn, later: Callable[[], None]) -> None:
        """However long the store is away: as long as this replica lives, nobody else ends its turns."""
        while True:
            try:
                await self.end(turn)
                break
            except Unavailable:
                await asyncio.sleep(LATE_S)
            except TurnLost:
                return
            except SwitchboardError:
                break
        later()


async def _tried(work: Callable[[], Awaitable[Done]]) -> Done:
    """What `work` returns, tried again while the store is away."""
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(Unavailable),
        stop=stop_after_delay(END_S_MAX),
        wait=wait_random_exponential(multiplier=END_JITTER_S, max=END_JITTER_S_MAX),
        reraise=True,
    ):
        with attempt:
            return await work()
    raise AssertionError("tenacity ended without an outcome")


def explained(error: BaseException) -> SwitchboardError:
    """The error that a user is told; one that nobody foresaw is explained by nothing but that it is ours."""
    if isinstance(error, SwitchboardError):
        return error
    return Interrupted() if isinstance(error, asyncio.CancelledError) else OurError()
