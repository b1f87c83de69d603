"""The event logs in memory pass the shared suite."""

import pytest

from services.supervisor.turns.streams.memory import InMemoryEventStreams
from services.supervisor.turns.streams.port import Cursor
from switchboard.contracts.errors import Unavailable
from tests.streams_contract import StreamsContract, frames, fresh


@pytest.fixture
def streams() -> InMemoryEventStreams:
    return InMemoryEventStreams()


class TestInMemoryEventStreams(StreamsContract):
    pass


async def test_the_oldest_logs_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.supervisor.turns.streams.memory.LOGS_MAX", 2)
    streams, names = InMemoryEventStreams(), [fresh() for _ in range(3)]
    for name in names:
        await streams.append(name, 1, frames(1, 1))
    assert [bool((await streams.read(name, Cursor())).frames) for name in names] == [False, True, True]


async def test_away_is_unavailable() -> None:
    streams = InMemoryEventStreams()
    streams.down = True
    with pytest.raises(Unavailable):
        await streams.append(fresh(), 1, frames(1, 1))
    with pytest.raises(Unavailable):
        await streams.read(fresh(), Cursor())
