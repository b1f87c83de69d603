"""Agents come, stay while their heart beats, and go; one replica that leaves takes no other with it."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from switchboard.contracts.cards import AgentCard, AgentRegistration, Skill
from switchboard.contracts.topics import REGISTRY as TOPIC
from switchboard.sidecar import keys
from switchboard.sidecar.directory import AgentDirectory, Agents
from switchboard.sidecar.inmemory import InMemorySidecar
from switchboard.sidecar.registry import AgentRegistry


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def registration(agent_id: str = "billing", instance: str = "one", version: str = "1") -> AgentRegistration:
    card = AgentCard(
        id=agent_id,
        name=agent_id.title(),
        version=version,
        description="Explains invoices",
        owner="team",
        skills=[Skill(id="invoices", description="Invoices", examples=["Why is my bill higher?"])],
        instructions="Be brief.",
    )
    return AgentRegistration(card=card, app_id=f"{agent_id}-app", instance=instance)


class World:
    """A directory and the registries of a test, on one clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.sidecar = InMemorySidecar(clock=self.clock)
        self.told: list[dict[str, str]] = []
        self.directory = AgentDirectory(self.sidecar.state, self._changed, clock=self.clock)
        self.registries: list[AgentRegistry] = []

    async def _changed(self, agents: Agents) -> None:
        self.told.append({agent_id: one.card.version for agent_id, one in agents.items()})

    def registry(self, agent_id: str = "billing", instance: str = "one", version: str = "1") -> AgentRegistry:
        made = AgentRegistry(
            self.sidecar.state,
            self.sidecar.pubsub,
            registration(agent_id, instance, version),
            heartbeat_s=3600,
            clock=self.clock,
        )
        self.registries.append(made)
        return made

    async def up(self, registry: AgentRegistry) -> AgentRegistry:
        await registry.announce()
        events = len(self.sidecar.pubsub.published)
        for _ in range(100):
            await asyncio.sleep(0)
            if len(self.sidecar.pubsub.published) > events:
                break
        return registry

    async def known(self) -> list[str]:
        await self.directory.refresh()
        return sorted(self.directory.agents)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    made.sidecar.state.down = True
    for registry in made.registries:
        await registry.withdraw()


async def test_an_agent_that_announced_itself_is_known_and_told_once(world: World) -> None:
    assert await world.known() == []
    await world.up(world.registry())
    assert await world.known() == ["billing"]
    assert await world.known() == ["billing"]
    assert world.told == [{"billing": "1"}]
    assert world.directory.agents["billing"].app_id == "billing-app"
    assert [(topic, data["status"]) for topic, data in world.sidecar.pubsub.published] == [(TOPIC, "up")]


async def test_an_agent_that_withdrew_is_gone_at_once(world: World) -> None:
    registry = await world.up(world.registry())
    await world.up(world.registry("tech"))
    assert await world.known() == ["billing", "tech"]
    await registry.withdraw()
    assert await world.known() == ["tech"]
    assert world.sidecar.pubsub.published[-1][1]["status"] == "down"
    assert world.told[-1] == {"tech": "1"}


async def test_an_agent_whose_heart_stopped_is_gone_after_six_seconds(world: World) -> None:
    await world.up(world.registry())
    world.clock.now += 5.9
    assert await world.known() == ["billing"]
    world.clock.now += 0.2
    assert await world.known() == []


async def test_a_heartbeat_keeps_an_agent(world: World) -> None:
    registry = await world.up(world.registry())
    for _ in range(10):
        world.clock.now += 2
        await registry.beat()
        assert await world.known() == ["billing"]
    assert world.told == [{"billing": "1"}], "a heartbeat is no change"


async def test_one_replica_that_leaves_takes_no_other_with_it(world: World) -> None:
    first = await world.up(world.registry(instance="one"))
    second = await world.up(world.registry(instance="two"))
    await first.withdraw()
    assert await world.known() == ["billing"]
    await second.withdraw()
    assert await world.known() == []


async def test_a_replica_that_was_killed_does_not_hold_the_agent_when_the_last_one_leaves(world: World) -> None:
    await world.up(world.registry(instance="killed"))
    second = await world.up(world.registry(instance="two"))
    for _ in range(4):
        world.clock.now += 2
        await second.beat()
    await second.withdraw()
    assert await world.known() == []


async def test_during_a_rollout_the_card_of_the_newest_instance_holds(world: World) -> None:
    old = await world.up(world.registry(instance="old", version="1"))
    await world.known()
    world.clock.now += 1
    new = await world.up(world.registry(instance="new", version="2"))
    for _ in range(3):
        await old.beat()
        await world.known()
        await new.beat()
        await world.known()
    assert world.told == [{"billing": "1"}, {"billing": "2"}]
    await new.withdraw()
    await old.beat()
    await world.known()
    assert world.told[-1] == {"billing": "1"}, "a rollout that was taken back"


async def test_many_that_announce_at_once_are_all_known(world: World) -> None:
    registries = [world.registry(f"agent-{n}") for n in range(20)]
    await asyncio.gather(*(registry.beat() for registry in registries))
    assert len(await world.known()) == 20


async def test_a_store_that_lost_everything_learns_the_agents_again_at_their_next_beat(world: World) -> None:
    registry = await world.up(world.registry())
    await world.sidecar.state.delete(keys.agent_index())
    await world.sidecar.state.delete(keys.agent("billing"))
    assert await world.known() == []
    await registry.beat()
    assert await world.known() == ["billing"]


async def test_without_the_store_the_last_known_agents_stay_for_thirty_seconds(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.up(world.registry())
    await world.known()
    world.sidecar.state.down = True
    world.clock.now += 29
    with caplog.at_level(logging.WARNING):
        assert await world.known() == ["billing"]
        assert await world.known() == ["billing"]
    assert sum("cannot be read" in record.message for record in caplog.records) == 1, "told once, not each second"
    world.clock.now += 2
    assert await world.known() == []
    assert world.told[-1] == {}


async def test_a_registration_that_is_malformed_is_left_out_and_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.up(world.registry("tech"))
    await world.up(world.registry("billing"))
    await world.sidecar.state.put(keys.agent("billing"), {"card": "nonsense"})
    assert await world.known() == ["tech"]
    assert "registration of agent billing is malformed" in caplog.text


async def test_a_change_that_could_not_be_taken_is_told_again(world: World) -> None:
    calls: list[int] = []

    async def refuse(agents: Agents) -> None:
        calls.append(len(agents))
        if len(calls) == 1:
            raise RuntimeError("the router is not ready")

    directory = AgentDirectory(world.sidecar.state, refuse, clock=world.clock)
    await world.up(world.registry())
    await directory.refresh()
    await directory.refresh()
    await directory.refresh()
    assert calls == [1, 1]


async def test_an_agent_starts_while_the_store_is_down_and_is_known_when_it_is_back(world: World) -> None:
    world.sidecar.state.down = True
    registry = AgentRegistry(
        world.sidecar.state, world.sidecar.pubsub, registration(), heartbeat_s=0.01, clock=world.clock
    )
    await registry.announce()
    await asyncio.sleep(0.03)
    world.sidecar.state.down = False
    await asyncio.sleep(0.05)
    assert await world.known() == ["billing"]
    await registry.withdraw()
