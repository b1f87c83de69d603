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
from switchboard.contracts.errors import SwitchboardError, Unavailable
from switchboard.sidecar import keys
from switchboard.sidecar.change import DELETE, Changed, change
from switchboard.sidecar.ports import PubSub, StateKey, StateStore

HEARTBEAT_S = 2.0
TTL_S = 6
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

    def tell(self, *, topics: str | None = None, revision: str | None = None) -> None:
        """From the next heartbeat on the registration names these topics, or this revision, by their digests."""
        told = {"topics": topics, "revision": revision}
        update = {name: digest for name, digest in told.items() if digest is not None}
        self._registration = self._registration.model_copy(update=update)

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
            await self._announce("down")
        except SwitchboardError as error:
            _log.warning("agent %s left without saying so: %s", self._registration.card.id, error.code)

    async def beat(self) -> None:
        """Writes this instance into the record, and the id into the index where it is missing.

        Raises `Unavailable` when the store does not answer, `Conflict` after ten lost races.
        """
        await change(self._state, keys.agent_index(), self._indexed)
        await change(self._state, self._key, lambda value: _dumped(self._joined(_record_of(value))), ttl_s=TTL_S)

    async def _beats(self) -> None:
        announced = False
        while True:
            try:
                await self.beat()
                if not announced:
                    await self._announce("up")
                    announced = True
                    _log.info("agent %s is registered", self._registration.card.id)
            except SwitchboardError as error:
                _log.warning("agent %s could not send its heartbeat: %s", self._registration.card.id, error.code)
            await asyncio.sleep(self._heartbeat_s)

    async def _leave(self) -> None:
        await change(self._state, self._key, self._left, ttl_s=TTL_S)

    def _left(self, value: Any | None) -> Changed[Any]:
        record = _record_of(value)
        if record is None:
            return None
        others = {name: one for name, one in self._live(record).items() if name != self._registration.instance}
        return _dumped(record.model_copy(update={"instances": others})) if others else DELETE

    def _joined(self, record: AgentRecord | None) -> AgentRecord:
        mine = self._registration.instance
        live = self._live(record) if record else {}
        live = dict(sorted(live.items(), key=lambda named: named[1].seen)[-(INSTANCES_MAX - 1) :])
        live[mine] = Instance(started=self._started, seen=self._clock())
        newest = max(live, key=lambda name: (live[name].started, name))
        source = self._registration if record is None or newest == mine or record.instance not in live else record
        return AgentRecord(
            card=source.card,
            app_id=source.app_id,
            instance=source.instance,
            topics=source.topics,
            revision=source.revision,
            instances=live,
        )

    def _live(self, record: AgentRecord) -> dict[str, Instance]:
        now = self._clock()
        return {name: one for name, one in record.instances.items() if now - one.seen <= TTL_S}

    async def _indexed(self, value: Any | None) -> Any | None:
        ids = index_of(value)
        mine = self._registration.card.id
        if mine in ids:
            return None
        if len(ids) >= AGENTS_MAX:
            ids = await self._live_ids(ids)
        return AgentIndex(ids=sorted({*ids, mine})).model_dump()

    async def _live_ids(self, ids: list[str]) -> list[str]:
        """A full index is cleaned of the ids that nobody answers for any more."""
        items = await self._state.get_many([keys.agent(one) for one in ids])
        live = [one for one, item in zip(ids, items, strict=True) if item is not None]
        if len(live) >= AGENTS_MAX:
            _log.error("no room for agent %s: %d agents are registered", self._registration.card.id, len(live))
            raise Unavailable()
        return live

    async def _announce(self, status: str) -> None:
        event: dict[str, Any] = {**self._registration.model_dump(mode="json"), "status": status}
        await self._pubsub.publish(topics.REGISTRY, event)

    @property
    def _key(self) -> StateKey:
        return keys.agent(self._registration.card.id)


def index_of(value: Any | None) -> list[str]:
    """The ids in the index; a value that is none is as good as an empty one."""
    try:
        return AgentIndex.model_validate(value).ids[:AGENTS_MAX] if value is not None else []
    except ValidationError:
        _log.error("the index of agents is malformed; it is written anew")
        return []


def _record_of(value: Any | None) -> AgentRecord | None:
    try:
        return AgentRecord.model_validate(value) if value is not None else None
    except ValidationError:
        return None


def _dumped(record: AgentRecord) -> Any:
    return record.model_dump(mode="json")
