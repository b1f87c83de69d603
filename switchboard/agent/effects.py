"""Exactly-once effects: a tool with risk write or money runs under a key that is kept with first-write-wins.

The record under `keys.effect(turn, call)` is a claim until the tool is done, then its outcome. A redelivered turn
finds the outcome and does not run the tool. A claim whose owner died is taken over after its lease; the tool runs
again with the same `ToolContext.call_id`, which it must keep unique in what it writes: between a system's own
write and our note of it nothing else can close the gap.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from switchboard.contracts.errors import Conflict, Unavailable
from switchboard.contracts.tools import ToolOutcome
from switchboard.sidecar import keys
from switchboard.sidecar.ports import StateItem, StateKey, StateStore

logger = logging.getLogger(__name__)

EFFECT_TTL_S = 7 * 24 * 3600
"""Longer than any broker redelivers."""
POLL_S = 0.1


def call_id_of(tool_name: str, arguments: Mapping[str, Any], ordinal: int) -> str:
    """The id of a call, the same on every delivery of its turn; a model's own call ids are random.

    `ordinal` counts earlier calls of the turn with the same tool and arguments.
    """
    canonical = orjson.dumps([tool_name, dict(arguments)], option=orjson.OPT_SORT_KEYS, default=str)
    return f"{tool_name}-{hashlib.sha256(canonical).hexdigest()[:16]}-{ordinal}"


class Effects:
    """Runs effects at most once for a call. Safe to use concurrently, by several instances of an agent.

    `lease_s` must be longer than any tool may run: an agent's `limits.seconds`.
    """

    def __init__(self, state: StateStore, *, lease_s: float, now_s: Callable[[], float] = time.time) -> None:
        self._state = state
        self._lease_s = lease_s
        self._now_s = now_s
        self._running: set[asyncio.Task[ToolOutcome]] = set()

    async def once(self, turn_id: str, call_id: str, run: Callable[[], Awaitable[ToolOutcome]]) -> ToolOutcome:
        """The outcome of `run`, or of the delivery that ran it before.

        A caller that is cancelled does not cut the effect in two: it goes on and is recorded. What `run` raises is
        raised again, and the claim given back. Raises `Unavailable` when another delivery still runs it.
        """
        task = asyncio.create_task(self._once(keys.effect(turn_id, call_id), run))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def close(self, timeout_s: float = 5.0) -> None:
        """Waits for the effects that are under way."""
        if self._running:
            await asyncio.wait(self._running, timeout=timeout_s)

    async def _once(self, key: StateKey, run: Callable[[], Awaitable[ToolOutcome]]) -> ToolOutcome:
        done = await self._claim(key)
        if done is not None:
            return done
        try:
            outcome = await run()
        except Exception:
            await self._state.delete(key)
            raise
        record = {"status": "done", "outcome": outcome.model_dump(mode="json")}
        try:
            await self._state.put(key, record, ttl_s=EFFECT_TTL_S)
        except Unavailable:
            # The effect has happened: telling the user otherwise would be worse than running the same call id again.
            logger.warning("The outcome of %s could not be recorded.", key.key)
        return outcome

    async def _claim(self, key: StateKey) -> ToolOutcome | None:
        """Takes the key and gives None, or gives the outcome that is there already.

        Not `change`: the first claim is one blind write, and who finds another's waits for its outcome.
        """
        give_up_s = self._now_s() + self._lease_s
        while True:
            claim = {"status": "claimed", "until_s": self._now_s() + self._lease_s}
            try:
                await self._state.create(key, claim, ttl_s=EFFECT_TTL_S)
                return None
            except Conflict:
                item = await self._state.get(key)
            if item is None:
                continue  # given back in between
            if item.value["status"] == "done":
                return ToolOutcome.model_validate(item.value["outcome"])
            if item.value["until_s"] < self._now_s() and await self._take_over(key, item, claim):
                return None
            if self._now_s() >= give_up_s:
                raise Unavailable("The same request is still being worked on. Please try again shortly.")
            await asyncio.sleep(POLL_S)

    async def _take_over(self, key: StateKey, item: StateItem, claim: dict[str, Any]) -> bool:
        try:
            await self._state.replace(key, claim, etag=item.etag, ttl_s=EFFECT_TTL_S)
            return True
        except Conflict:
            return False
