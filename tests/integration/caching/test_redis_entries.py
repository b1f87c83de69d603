"""The store in a real Redis keeps the contract of stores."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from entries_contract import EntriesContract
from redis.asyncio import Redis

from services.gateway.caching.redis_entries import RedisEntries
from services.gateway.redis.pipe import Pipe
from switchboard.caching.entries.port import Bounds
from switchboard.contracts.errors import Unavailable
from switchboard.redis.server import RedisServer
from tests.integration.runtime import bench


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with bench(tmp_path_factory.mktemp("cache")) as made:
        yield made.redis()


@pytest.fixture
async def redis(redis_port: int) -> AsyncIterator[Redis]:
    client = Redis(host="127.0.0.1", port=redis_port, socket_timeout=20.0)
    yield client
    await client.aclose()


@pytest.fixture
async def replica(redis_port: int) -> AsyncIterator[Callable[[], Awaitable[RedisEntries]]]:
    """Makes the store of one more replica."""
    pipes: list[Pipe] = []

    async def one() -> RedisEntries:
        pipes.append(Pipe(RedisServer("127.0.0.1", redis_port), timeout_s=20.0))
        await pipes[-1].open()
        return RedisEntries(pipes[-1])

    yield one
    for pipe in pipes:
        await pipe.close()


class TestRedisEntries(EntriesContract):
    @pytest.fixture
    async def entries(self, replica: Callable[[], Awaitable[RedisEntries]]) -> RedisEntries:
        return await replica()

    @pytest.fixture
    def wait(self) -> Callable[[float], Awaitable[None]]:
        return asyncio.sleep

    @pytest.fixture
    def forget(self, redis: Redis) -> Callable[[RedisEntries, str], Awaitable[None]]:
        async def delete(entries: RedisEntries, partition: str) -> None:
            del entries
            async for key in redis.scan_iter(f"switchboard:cache:{{{partition}}}*"):
                await redis.delete(key)

        return delete


async def test_many_writers_never_leave_more_than_the_bound(
    redis: Redis, replica: Callable[[], Awaitable[RedisEntries]]
):
    partition = uuid.uuid4().hex
    replicas = [await replica() for _ in range(4)]
    bounds = Bounds(entries_max=10, bytes_max=5_000, ttl_s=60.0)
    await asyncio.gather(*(replicas[n % 4].put(partition, str(n), b"h" * 10, b"v" * 300, bounds) for n in range(100)))
    base = f"switchboard:cache:{{{partition}}}"
    assert len(await replicas[0].ids(partition)) == 10
    assert int(await redis.hget(f"{base}:n", "bytes")) == 10 * 310  # pyright: ignore[reportGeneralTypeIssues]
    assert len([key async for key in redis.scan_iter(f"{base}:v:*")]) == 10


async def test_a_partition_that_nobody_uses_leaves_nothing_behind(
    redis: Redis, replica: Callable[[], Awaitable[RedisEntries]]
):
    partition = uuid.uuid4().hex
    await (await replica()).put(partition, "one", b"h", b"v", Bounds(ttl_s=60.0))
    async for key in redis.scan_iter(f"switchboard:cache:{{{partition}}}*"):
        assert await redis.pttl(key) > 0


async def test_a_redis_that_does_not_answer_is_unavailable():
    pipe = Pipe(RedisServer("127.0.0.1", 1), timeout_s=0.1)
    await pipe.open()
    with pytest.raises(Unavailable):
        await RedisEntries(pipe).get("p", "one")
    await pipe.close()
