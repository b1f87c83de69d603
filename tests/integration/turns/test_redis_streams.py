"""The event logs in a real Redis pass the shared suite; what is away is unavailable, and comes back by itself."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from services.supervisor.turns.streams.port import KEPT_S, Cursor, Frame
from services.supervisor.turns.streams.redis import RedisEventStreams
from switchboard.contracts.errors import Unavailable
from switchboard.redis.server import RedisServer
from tests.integration.runtime import Bench, bench
from tests.streams_contract import WAIT_S, StreamsContract, frames, fresh


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("streams")) as made:
        yield made


@pytest.fixture(scope="module")
def port(machines: Bench) -> int:
    return machines.redis()


@pytest.fixture
async def streams(port: int) -> AsyncIterator[RedisEventStreams]:
    made = RedisEventStreams(RedisServer("127.0.0.1", port))
    yield made
    await made.close()


class TestRedisEventStreams(StreamsContract):
    pass


async def test_a_log_lives_for_an_hour(streams: RedisEventStreams) -> None:
    for written in (frames(1, 1), frames(2, 2), [Frame(3, "turn.completed", b"{}")]):
        name = fresh()
        await streams.append(name, 1, [*frames(1, written[0].seq - 1), *written])
        assert KEPT_S - 5 <= await streams._redis.ttl(name) <= KEPT_S


async def test_a_connection_that_broke_while_it_was_idle_is_not_noticed(port: int, streams: RedisEventStreams) -> None:
    other, name = RedisEventStreams(RedisServer("127.0.0.1", port)), fresh()
    for n in range(1, 4):
        await streams.append(name, 1, frames(n, n))
        await other._redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert list((await streams.read(name, Cursor())).frames) == frames(1, 3)
    await other.close()


async def test_without_redis_it_is_unavailable_at_once() -> None:
    streams = RedisEventStreams(RedisServer("127.0.0.1", 9))
    async with asyncio.timeout(WAIT_S):
        with pytest.raises(Unavailable):
            await streams.append(fresh(), 1, frames(1, 1))
        with pytest.raises(Unavailable):
            await streams.read(fresh(), Cursor(), wait_s=0.1)
    await streams.close()
