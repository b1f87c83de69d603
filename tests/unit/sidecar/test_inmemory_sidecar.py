"""The in-memory sidecar passes the suite that the real one passes."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from switchboard.contracts.errors import Unavailable
from switchboard.sidecar.inmemory import InMemoryBlobs, InMemorySidecar, InMemoryStateStore
from switchboard.testing.sidecar_contract import (
    BlobsContract,
    ExpiryContract,
    InvokerContract,
    Note,
    PubSubContract,
    StateContract,
    contract_app,
    fresh,
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(clock: Clock) -> InMemoryStateStore:
    return InMemoryStateStore(clock)


@pytest.fixture
def pass_seconds(clock: Clock) -> Callable[[float], Awaitable[None]]:
    async def wait(seconds: float) -> None:
        clock.now += seconds

    return wait


@pytest.fixture
def app_id() -> str:
    return "contract"


@pytest.fixture
def events() -> list[tuple[str, Note]]:
    return []


@pytest.fixture
async def sidecar(app_id: str, events: list[tuple[str, Note]]) -> AsyncIterator[InMemorySidecar]:
    made = InMemorySidecar()
    await made.attach(app_id, contract_app(events))
    yield made
    await made.close()


class TestMemoryState(StateContract):
    pass


class TestMemoryExpiry(ExpiryContract):
    pass


class TestMemoryInvoker(InvokerContract):
    pass


class TestMemoryPubSub(PubSubContract):
    pass


async def test_a_part_that_is_down_is_unavailable_and_not_ready(sidecar: InMemorySidecar, app_id: str) -> None:
    sidecar.state.down = sidecar.pubsub.down = sidecar.invoker.down = True
    assert await sidecar.ready() == {"sidecar": False, "statestore": False, "pubsub": False}
    with pytest.raises(Unavailable):
        await sidecar.state.get(fresh())
    with pytest.raises(Unavailable):
        await sidecar.pubsub.publish("contract.notes", {})
    with pytest.raises(Unavailable):
        async with sidecar.invoker.open(app_id, "/headers"):
            pass


async def test_what_is_stored_cannot_be_changed_through_what_was_read(state: InMemoryStateStore) -> None:
    key = fresh()
    value = {"list": [1]}
    await state.create(key, value)
    value["list"].append(2)
    item = await state.get(key)
    assert item is not None
    item.value["list"].append(3)
    again = await state.get(key)
    assert again is not None and again.value == {"list": [1]}


class TestMemoryBlobs(BlobsContract):
    @pytest.fixture
    def blobs(self) -> InMemoryBlobs:
        return InMemoryBlobs()
