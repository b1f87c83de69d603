"""Replicas of a supervisor in one process: a state store, a log and specialists that all share; each can die or sleep alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from services.supervisor.api.application import create_app
from services.supervisor.bootstrap import Supervisor, build
from services.supervisor.settings import Settings
from services.supervisor.turns.accept import Ask
from services.supervisor.turns.event_log import EventLog
from services.supervisor.turns.streams.memory import InMemoryEventStreams
from switchboard.contracts.turns import ChatRequest, Principal
from switchboard.sidecar.inmemory import InMemorySidecar
from tests.unit.supervisor.conftest import ADA, System, WordEmbedder

ADA_IS = Principal(tenant="aurora", user="C-10001", tier="professional")
QUESTION = "Show my last invoice"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Replica:
    supervisor: Supervisor
    sidecar: InMemorySidecar
    api: httpx.AsyncClient
    clock: Clock

    async def start(self, message: str = QUESTION, **fields: object) -> EventLog:
        """A turn that this replica answers."""
        return await self.supervisor.turns.start(
            Ask(ADA_IS, ChatRequest.model_validate({"message": message, **fields}))
        )

    async def round(self, seconds: float = 2.0) -> None:
        """`seconds` later, a round of its sweeper."""
        self.clock.now += seconds
        await self.supervisor.sweeper.round()

    async def sleep(self) -> None:
        """It is stopped: no heartbeat any more. What its turns do is theirs."""
        for task in self.supervisor.keeping:
            task.cancel()
        await asyncio.gather(*self.supervisor.keeping, return_exceptions=True)
        self.supervisor.keeping.clear()

    async def die(self) -> None:
        """kill -9: nothing of it is written any more."""
        await self.sleep()
        self.sidecar.state.down = self.sidecar.pubsub.down = True
        for task in self.supervisor.turns._tasks:
            task.cancel()
        for task in self.supervisor.background:
            task.cancel()


@asynccontextmanager
async def two_replicas(agents: tuple[str, ...] = ("billing", "tech")) -> AsyncIterator[tuple[Replica, Replica, System]]:
    """Two replicas that have heard of each other, and the system of the first with its specialists."""
    streams = InMemoryEventStreams(outlives_process=True)
    made: list[Replica] = []
    for _ in range(2):
        sidecar = InMemorySidecar()
        if made:
            sidecar.state._records = made[0].sidecar.state._records
            sidecar.pubsub.published = made[0].sidecar.pubsub.published
            sidecar.invoker = made[0].sidecar.invoker
        settings = Settings(dapr_http_port=9, turn_s_max=30, evaluation_share=0)
        supervisor = build(settings, sidecar, WordEmbedder(), streams)
        clock = supervisor.replicas._clock = Clock()
        await supervisor.open()
        transport = httpx.ASGITransport(app=create_app(supervisor))
        api = httpx.AsyncClient(transport=transport, base_url="http://supervisor.test")
        made.append(Replica(supervisor, sidecar, api, clock))
    first, second = made
    system = System(first.supervisor, first.sidecar, create_app(first.supervisor), first.api, {})
    for agent in agents:
        await system.add(agent)
    await second.supervisor.directory.refresh()
    await first.round()
    await second.round()
    try:
        yield first, second, system
    finally:
        for each in made:
            each.sidecar.state.down = each.sidecar.pubsub.down = False
            await each.supervisor.close()
            await each.api.aclose()


async def until_gone(survivor: Replica) -> None:
    """Rounds of the survivor until the other has been silent for long enough."""
    for _ in range(4):
        await survivor.round()


async def status(replica: Replica, turn_id: str) -> tuple[str, str]:
    job = (await replica.api.get(f"/v1/jobs/{turn_id}", headers=ADA)).json()
    return job["status"], job["code"]
