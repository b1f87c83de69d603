"""A mismatch that the store answers is believed only where a read shows one: `state.redis` says it of an outage too."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from dapr.proto import api_v1

from switchboard.contracts.errors import Conflict, Unavailable
from switchboard.sidecar import keys
from switchboard.sidecar.dapr.channel import DaprChannel
from switchboard.sidecar.dapr.state import DaprStateStore

KEY = keys.conversation("aurora", "c")
NOTHING = api_v1.GetStateResponse()
MINE = api_v1.GetStateResponse(data=b'{"n":1}', etag="7")
OTHERS = api_v1.GetStateResponse(data=b'{"n":5}', etag="8")


class Scripted(DaprChannel):
    """Gives one answer a call, in their order; an exception is raised."""

    def __init__(self, *answers: Any) -> None:
        super().__init__("127.0.0.1", 0, None)
        self._answers = list(answers)
        self.calls: list[str] = []

    @property
    def stub(self) -> Any:
        return _Stub

    async def call(self, what: str, method: Any, request: Any, timeout_s: float, *, quiet: Any = ()) -> Any:
        self.calls.append(what)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class _Stub:
    GetState = GetBulkState = SaveState = DeleteState = None


def scripted(*answers: Any) -> tuple[DaprStateStore, Scripted]:
    channel = Scripted(*answers)
    return DaprStateStore(channel, "statestore"), channel


Write = Callable[[DaprStateStore], Awaitable[None]]
WRITES: dict[str, tuple[Write, Any, Any]] = {
    # what it is, what it needs to be there, what is there where it has lost
    "create": (lambda state: state.create(KEY, {"n": 2}), NOTHING, OTHERS),
    "replace": (lambda state: state.replace(KEY, {"n": 2}, etag="7"), MINE, OTHERS),
    "replace what is gone": (lambda state: state.replace(KEY, {"n": 2}, etag="7"), MINE, NOTHING),
    "delete": (lambda state: state.delete(KEY, etag="7"), MINE, OTHERS),
}


@pytest.fixture(params=WRITES)
def write(request: pytest.FixtureRequest) -> tuple[Write, Any, Any]:
    return WRITES[request.param]


async def test_a_write_that_succeeds_costs_one_call(write: tuple[Write, Any, Any]) -> None:
    state, channel = scripted(None)
    await write[0](state)
    assert len(channel.calls) == 1


async def test_another_version_is_a_conflict(write: tuple[Write, Any, Any]) -> None:
    state, _ = scripted(Conflict(), write[2])
    with pytest.raises(Conflict):
        await write[0](state)


async def test_a_store_that_cannot_be_read_either_is_unavailable(write: tuple[Write, Any, Any]) -> None:
    state, _ = scripted(Conflict(), Unavailable())
    with pytest.raises(Unavailable):
        await write[0](state)


async def test_what_was_not_written_is_written_once_more(write: tuple[Write, Any, Any]) -> None:
    state, channel = scripted(Conflict(), write[1], None)
    await write[0](state)
    assert len(channel.calls) == 3


async def test_what_cannot_be_written_though_nobody_was_faster_is_unavailable(write: tuple[Write, Any, Any]) -> None:
    state, _ = scripted(Conflict(), write[1], Conflict(), write[1])
    with pytest.raises(Unavailable):
        await write[0](state)


@pytest.mark.parametrize(("there", "expected"), [(b'{"n":5}', Conflict), (b'{"n":2}', Unavailable), (b"", Unavailable)])
async def test_several_are_a_conflict_only_over_what_somebody_else_wrote(
    there: bytes, expected: type[Exception]
) -> None:
    other = keys.conversation_memory("aurora", "c")
    found = api_v1.GetBulkStateResponse(items=[api_v1.BulkStateItem(key=KEY.key, data=there, etag="1")])
    state, _ = scripted(Conflict(), found)
    with pytest.raises(expected):
        await state.create_all([(KEY, {"n": 2}), (other, {"n": 3})])
