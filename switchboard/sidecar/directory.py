"""Which agents there are now: the supervisor's side of the registry."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from types import MappingProxyType

from pydantic import ValidationError

from switchboard.contracts.cards import AgentRegistration
from switchboard.contracts.errors import SwitchboardError
from switchboard.sidecar import keys
from switchboard.sidecar.ports import StateItem, StateStore
from switchboard.sidecar.registry import index_of

POLL_S = 1.0
KEEP_S = 30.0
"""How long the last known agents are believed in while the state store does not answer."""

Agents = Mapping[str, AgentRegistration]
"""By agent id."""

_log = logging.getLogger(__name__)


class AgentDirectory:
    """Reads the registrations every second and when `refresh` is called; calls `changed` when the set differs.

    An agent is gone when its heartbeat stopped (its record expired). `changed` gets all agents; one call runs at a
    time; what it raises is logged, and it is called again at the next poll.
    """

    def __init__(
        self,
        state: StateStore,
        changed: Callable[[Agents], Awaitable[None]],
        *,
        poll_s: float = POLL_S,
        keep_s: float = KEEP_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._state = state
        self._changed = changed
        self._poll_s = poll_s
        self._keep_s = keep_s
        self._clock = clock
        self._agents: Agents = MappingProxyType({})
        self._announced: dict[str, tuple[str, ...]] = {}
        self._read_at: float | None = None
        self._lost = False
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    @property
    def agents(self) -> Agents:
        """Those known now; read-only."""
        return self._agents

    async def open(self) -> None:
        """Reads once, then polls in the background."""
        await self.refresh()
        self._task = asyncio.create_task(self._polls(), name="agent directory")

    async def close(self) -> None:
        """Ends the polling, a call of `changed` under way with it."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def refresh(self) -> None:
        """Reads now: at each poll, and when an event on `agents.registry` came. Never raises `Unavailable`."""
        async with self._lock:
            try:
                found = await self._read()
            except SwitchboardError as error:
                self._keep_or_drop(error)
            else:
                if self._lost:
                    _log.info("the state store answers again")
                self._lost, self._read_at = False, self._clock()
                self._agents = MappingProxyType(found)
            await self._announce()

    async def _read(self) -> dict[str, AgentRegistration]:
        index = await self._state.get(keys.agent_index())
        ids = index_of(index.value if index is not None else None)
        items = await self._state.get_many([keys.agent(one) for one in ids])
        found: dict[str, AgentRegistration] = {}
        for agent_id, item in zip(ids, items, strict=True):
            registration = _registration_of(agent_id, item)
            if registration is not None:
                found[agent_id] = registration
        return found

    def _keep_or_drop(self, error: SwitchboardError) -> None:
        if not self._lost:
            _log.warning("the agents cannot be read (%s); the last known ones stay for %g s", error.code, self._keep_s)
            self._lost = True
        known_s = self._clock() - self._read_at if self._read_at is not None else self._keep_s
        if self._agents and known_s >= self._keep_s:
            _log.error("the agents could not be read for %g s; none is believed in any more", known_s)
            self._agents = MappingProxyType({})

    async def _announce(self) -> None:
        now = {
            agent_id: (one.app_id, one.topics, one.revision, one.card.model_dump_json())
            for agent_id, one in self._agents.items()
        }
        if now == self._announced:
            return
        try:
            await self._changed(self._agents)
        except Exception:
            _log.exception("the new set of agents was not taken; it is offered again at the next poll")
            return
        self._announced = now

    async def _polls(self) -> None:
        while True:
            await asyncio.sleep(self._poll_s)
            await self.refresh()


def _registration_of(agent_id: str, item: StateItem | None) -> AgentRegistration | None:
    if item is None:
        return None
    try:
        return AgentRegistration.model_validate(item.value)
    except ValidationError as error:
        _log.error("the registration of agent %s is malformed and left out: %s", agent_id, error.errors()[0]["msg"])
        return None
