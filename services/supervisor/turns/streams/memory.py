"""Event logs inside one process: where no Redis is given, and for tests, whose replicas share one."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress

from services.supervisor.turns.streams.port import CALLS_MAX, ERASED_ATTEMPT, Batch, Cursor, Fenced, Frame
from switchboard.contracts.errors import Unavailable

LOGS_MAX = 1_000
"""The oldest goes: what it held is told by the turn's record."""


class InMemoryEventStreams:
    """`EventStreams`. `down` makes it unavailable."""

    def __init__(self, *, outlives_process: bool = False) -> None:
        """`outlives_process`: tests say so where several supervisors of one process are replicas."""
        self.outlives_process = outlives_process
        self.down = False
        self._logs: OrderedDict[str, list[tuple[Cursor, Frame | None]]] = OrderedDict()
        self._calls: dict[str, list[str]] = {}
        self._changed = asyncio.Condition()

    async def append(self, name: str, attempt: int, frames: Sequence[Frame]) -> None:
        log = self._log(name)
        top = log[-1][0] if log else Cursor()
        if top.attempt > attempt:
            raise Fenced
        log += [(Cursor(attempt, each.seq), each) for each in frames if Cursor(attempt, each.seq) > top]
        await self._notify()

    async def fence(self, name: str, attempt: int) -> None:
        log = self._log(name)
        if log and log[-1][0] >= Cursor(attempt):
            raise Fenced
        log.append((Cursor(attempt), None))
        await self._notify()

    async def erase(self, name: str) -> None:
        self._log(name)[:] = [(Cursor(ERASED_ATTEMPT), None)]
        await self._notify()

    async def read(self, name: str, after: Cursor, *, wait_s: float = 0.0) -> Batch:
        self._check()
        found = self._behind(name, after)
        if not found and wait_s:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s), self._changed:
                    await self._changed.wait_for(lambda: self._behind(name, after))
            found = self._behind(name, after)
        return Batch([frame for _, frame in found if frame is not None], found[-1][0] if found else after)

    async def call(self, name: str, message: str) -> None:
        self._check()
        calls = self._calls.setdefault(name, [])
        if len(calls) < CALLS_MAX:
            calls.append(message)
        await self._notify()

    async def calls(self, name: str, after: str, *, wait_s: float) -> tuple[list[str], str]:
        self._check()
        heard = int(after or 0)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s), self._changed:
                await self._changed.wait_for(lambda: len(self._calls.get(name, ())) > heard)
        calls = self._calls.get(name, [])
        return calls[heard:], str(len(calls))

    async def close(self) -> None:
        """Has nothing to give back."""

    def _check(self) -> None:
        if self.down:
            raise Unavailable

    def _log(self, name: str) -> list[tuple[Cursor, Frame | None]]:
        self._check()
        log = self._logs.setdefault(name, [])
        if len(self._logs) > LOGS_MAX:
            self._logs.popitem(last=False)
        return log

    def _behind(self, name: str, after: Cursor) -> list[tuple[Cursor, Frame | None]]:
        return [each for each in self._logs.get(name, ()) if each[0] > after]

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()
