"""The pipe to Redis: when what was sent is on the wire."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.gateway.redis.pipe import Pipe, Wire
from services.gateway.redis.scripts import CACHE_GET
from switchboard.redis.server import RedisServer
from tests.integration.money.conftest import REPLY_S


@pytest.fixture
async def pipe(redis_port: int) -> AsyncIterator[Pipe]:
    made = Pipe(RedisServer("127.0.0.1", redis_port), timeout_s=REPLY_S)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What goes on the wire."""
    seen: list[bytes] = []
    write = Wire.write

    def spied(wire: Wire, commands: bytes) -> None:
        seen.append(commands)
        write(wire, commands)

    monkeypatch.setattr(Wire, "write", spied)
    return seen


async def test_what_is_sent_in_one_turn_of_the_loop_is_one_write_and_each_gets_its_answer(
    pipe: Pipe, writes: list[bytes]
):
    dues = [pipe.send(CACHE_GET, ["nothing"], [0, f"{number}"]) for number in range(20)]
    assert writes == []
    assert await asyncio.gather(*(pipe.answer(due) for due in dues)) == [None] * 20
    assert len(writes) == 1


async def test_what_is_sent_now_is_on_the_wire_at_once_behind_what_was_sent_before(pipe: Pipe, writes: list[bytes]):
    first = pipe.send(CACHE_GET, ["nothing"], [0, "first"])
    last = pipe.send(CACHE_GET, ["nothing"], [0, "last"], now=True)
    assert len(writes) == 1 and writes[0].index(b"first") < writes[0].index(b"last")
    assert await asyncio.gather(pipe.answer(first), pipe.answer(last)) == [None, None]


async def test_what_is_sent_right_before_the_end_is_sent(redis_port: int, writes: list[bytes]):
    pipe = Pipe(RedisServer("127.0.0.1", redis_port), timeout_s=REPLY_S)
    await pipe.open()
    due = pipe.send(CACHE_GET, ["nothing"], [0, "x"])
    await pipe.close()
    assert due.result() is None and len(writes) == 1
