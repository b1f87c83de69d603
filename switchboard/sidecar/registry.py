"""How an agent makes itself known: `agent|<id>` with a heartbeat, the index of ids, an event when it comes or goes.

A registration is one record for all replicas of an agent. It names its live instances, so that one that leaves
does not take the others with it, and carries the card of the instance that started last: during a rollout the
new card wins, and does not take turns with the old one.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from switchboard.contracts import topics
from switchboard.contracts.cards import AgentRegistration
from switchboard.contracts.errors import Conflict, SwitchboardError, Unavailable
from switchboard.sidecar import keys
from switchboard.sidecar.ports import PubSub, StateItem, StateKey, StateStore

HEARTBEAT_S = 2.0
TTL_S = 6
ATTEMPTS_MAX = 10
"""Of a write under an ETag."""
AGENTS_MAX = 100
INSTANCES_MAX = 200

_log = logging.getLogger(__name__)


class Instance(BaseModel):
    """When an instance started and was last heard, in seconds of the epoch by its own clock."""

    started: float
    seen: float


class AgentRecord(AgentRegistration):
    """The value of `agent|<id>`: a registration and the live instances behind it."""

    instances: dict[str, Instance] = Field(default_factory=dict)


class AgentIndex(BaseModel):
    """The value of `agents`: ids that may be registered."""

    ids: list[str] = Field(default_factory=list)


class AgentRegistry:
    """The agent's side. `announce` when it can serve, `withdraw` when it stops; the heartbeat runs in between."""

    def __init__(
        self,
        state: StateStore,
        pubsub: PubSub,
        registration: AgentRegistration,
        *,
        heartbeat_s: float = HEARTBEAT_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._pubsub = pubsub
        self._registration = registration
        self._heartbeat_s = heartbeat_s
        self._clock = clock
        self._started = clock()
        self._task: asyncio.Task[None] | None = None

    async def announce(self) -> None:
        """Starts the heartbeat. Does not raise: while the store does not answer it tries again at each beat."""
        if self._task is None:
            self._task = asyncio.create_task(self._beats(), name=f"heartbeat of {self._registration.card.id}")

    async def withdraw(self) -> None:
        """Ends the heartbeat and takes this instance out. What fails here is left to the time to live."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        try:
            await self._leave()
            await self._tell("down")
        except SwitchboardError as error:
            _log.warning("agent %s left without saying so: %s", self._registration.card.id, error.code)

    async def beat(self) -> None:
        """Writes this instance into the record, and the id into the index where it is missing.

        Raises `Unavailable` when the store does not answer, `Conflict` after ten lost races.
        """
        for _ in range(ATTEMPTS_MAX):
            index_item, item = await self._state.get_many([keys.agent_index(), self._key])
            with suppress(Conflict):
                await self._write_index(index_item)
                await self._write(item, self._joined(_record_of(item)))
                return
        raise Conflict()

    async def _beats(self) -> None:
        told = False
        while True:
            try:
                await self.beat()
                if not told:
                    await self._tell("up")
                    told = True
                    _log.info("agent %s is registered", self._registration.card.id)
            except SwitchboardError as error:
                _log.warning("agent %s could not send its heartbeat: %s", self._registration.card.id, error.code)
            await asyncio.sleep(self._heartbeat_s)

    async def _leave(self) -> None:
        for _ in range(ATTEMPTS_MAX):
            item = await self._state.get(self._key)
            record = _record_of(item)
            if item is None or record is None:
                return
            others = {name: told for name, told in self._live(record).items() if name != self._registration.instance}
            if not others:
                await self._state.delete(self._key)
                return
            with suppress(Conflict):
                await self._write(item, record.model_copy(update={"instances": others}))
                return

    def _joined(self, record: AgentRecord | None) -> AgentRecord:
        mine = self._registration.instance
        live = self._live(record) if record else {}
        live = dict(sorted(live.items(), key=lambda named: named[1].seen)[-(INSTANCES_MAX - 1) :])
        live[mine] = Instance(started=self._started, seen=self._clock())
        newest = max(live, key=lambda name: (live[name].started, name))
        source = self._registration if record is None or newest == mine or record.instance not in live else record
        return AgentRecord(card=source.card, app_id=source.app_id, instance=source.instance, instances=live)

    def _live(self, record: AgentRecord) -> dict[str, Instance]:
        now = self._clock()
        return {name: told for name, told in record.instances.items() if now - told.seen <= TTL_S}

    async def _write(self, item: StateItem | None, record: AgentRecord) -> None:
        value = record.model_dump(mode="json")
        if item is None:
            await self._state.create(self._key, value, ttl_s=TTL_S)
        else:
            await self._state.replace(self._key, value, etag=item.etag, ttl_s=TTL_S)

    async def _write_index(self, item: StateItem | None) -> None:
        ids = index_of(item)
        mine = self._registration.card.id
        if mine in ids:
            return
        if len(ids) >= AGENTS_MAX:
            ids = await self._live_ids(ids)
        value = AgentIndex(ids=sorted({*ids, mine})).model_dump()
        if item is None:
            await self._state.create(keys.agent_index(), value)
        else:
            await self._state.replace(keys.agent_index(), value, etag=item.etag)

    async def _live_ids(self, ids: list[str]) -> list[str]:
        """A full index is cleaned of the ids that nobody answers for any more."""
        items = await self._state.get_many([keys.agent(one) for one in ids])
        live = [one for one, item in zip(ids, items, strict=True) if item is not None]
        if len(live) >= AGENTS_MAX:
            _log.error("no room for agent %s: %d agents are registered", self._registration.card.id, len(live))
            raise Unavailable()
        return live

    async def _tell(self, status: str) -> None:
        event: dict[str, Any] = {**self._registration.model_dump(mode="json"), "status": status}
        await self._pubsub.publish(topics.REGISTRY, event)

    @property
    def _key(self) -> StateKey:
        return keys.agent(self._registration.card.id)


def index_of(item: StateItem | None) -> list[str]:
    """The ids in the index; a value that is none is as good as an empty one."""
    try:
        return AgentIndex.model_validate(item.value).ids[:AGENTS_MAX] if item else []
    except ValidationError:
        _log.error("the index of agents is malformed; it is written anew")
        return []


def _record_of(item: StateItem | None) -> AgentRecord | None:
    try:
        return AgentRecord.model_validate(item.value) if item else None
    except ValidationError:
        return None
