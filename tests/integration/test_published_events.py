"""What was published of a conversation is gone from the broker when the conversation is deleted, and nothing else is."""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import BaseModel
from redis.asyncio import Redis
from runtime import Bench, Daprd, bench, local_components

from switchboard.contracts import topics
from switchboard.contracts.errors import Unavailable
from switchboard.redis.published import READ_EVENTS, RedisPublishedEvents
from switchboard.redis.server import RedisServer
from switchboard.sidecar.dapr import DaprSidecar

PASSWORD = "of-this-test"


class Words(BaseModel):
    conversation_id: str
    message: str


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("published")) as made:
        yield made


@pytest.fixture(scope="module")
def redis_port(machines: Bench) -> int:
    return machines.redis(PASSWORD)


@pytest.fixture(scope="module")
def daprd(machines: Bench, redis_port: int) -> Daprd:
    resources = local_components(machines.folder, redis_port)
    for component in resources.glob("*.yaml"):
        text = component.read_text().replace("envRef: SWITCHBOARD_REDIS_PASSWORD", f'value: "{PASSWORD}"')
        component.write_text(text)
    made = machines.daprd(f"published-{uuid.uuid4().hex[:8]}", resources)
    made.ready()
    return made


@pytest.fixture
async def sidecar(daprd: Daprd) -> AsyncIterator[DaprSidecar]:
    made = DaprSidecar(http_port=daprd.http_port, grpc_port=daprd.grpc_port)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def redis(redis_port: int) -> AsyncIterator[Redis]:
    async with Redis(port=redis_port, password=PASSWORD) as client:
        yield client


def published_on(port: int, password: str = PASSWORD) -> RedisPublishedEvents:
    return RedisPublishedEvents(RedisServer("127.0.0.1", port, password))


async def words_in(redis: Redis, *streams: str) -> str:
    return "".join([str(await redis.xrange(stream)) for stream in streams])


async def test_a_deleted_conversations_words_are_gone_from_every_topic(
    sidecar: DaprSidecar, redis: Redis, redis_port: int
) -> None:
    mine, others = uuid.uuid4().hex[:24], uuid.uuid4().hex[:24]
    streams = (topics.turns_of("billing"), topics.turns_of("agent-of-yesterday"), topics.RESULTS, topics.HANDOVER)
    for stream in streams:
        for conversation_id, said in ((mine, "my secret is 4711"), (others, "theirs is 0815")):
            await sidecar.pubsub.publish(stream, Words(conversation_id=conversation_id, message=said).model_dump())
    assert "4711" in await words_in(redis, *streams)
    assert await published_on(redis_port).erase([mine]) == len(streams)
    left = await words_in(redis, *streams)
    assert "4711" not in left and mine not in left
    assert left.count("0815") == len(streams)
    assert await published_on(redis_port).erase([mine]) == 0


async def test_a_long_stream_is_read_to_its_end(redis: Redis, redis_port: int) -> None:
    for number in range(2 * READ_EVENTS + 1):
        await redis.xadd(topics.RESULTS, {"data": f"conversation number-{number}."})
    last = f"number-{2 * READ_EVENTS}."
    assert await published_on(redis_port).erase(["number-0.", last]) == 2


async def test_where_the_broker_cannot_be_asked_nothing_is_said_to_be_erased(redis_port: int) -> None:
    for published in (published_on(9), published_on(redis_port, "wrong")):
        with pytest.raises(Unavailable):
            await published.erase(["c1"])
