"""The real sidecar, daprd on Redis with the components of `components/local`, passes the shared suite."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from runtime import Bench, Daprd, bench, local_components, wait_until

from switchboard.contracts.errors import Unavailable
from switchboard.sidecar.change import change
from switchboard.sidecar.dapr import DaprSidecar
from switchboard.sidecar.ports import StateStore
from switchboard.system.process import Child
from switchboard.system.redis import answers
from switchboard.testing.sidecar_contract import (
    ExpiryContract,
    InvokerContract,
    Note,
    PubSubContract,
    StateContract,
    contract_app,
    fresh,
)


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("dapr")) as made:
        yield made


@pytest.fixture(scope="module")
def events() -> list[tuple[str, Note]]:
    return []


@pytest.fixture(scope="module")
def app_id() -> str:
    return f"contract-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def daprd(machines: Bench, events: list[tuple[str, Note]], app_id: str) -> Daprd:
    resources = local_components(machines.folder, machines.redis())
    made = machines.daprd(app_id, resources, app_port=machines.serve(contract_app(events)))
    made.ready(with_app=True)
    return made


@pytest.fixture
async def sidecar(daprd: Daprd) -> AsyncIterator[DaprSidecar]:
    made = DaprSidecar(http_port=daprd.http_port, grpc_port=daprd.grpc_port)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def state(sidecar: DaprSidecar) -> StateStore:
    return sidecar.state


@pytest.fixture
def pass_seconds() -> Callable[[float], Awaitable[None]]:
    return asyncio.sleep


class TestDaprState(StateContract):
    pass


class TestDaprExpiry(ExpiryContract):
    pass


class TestDaprInvoker(InvokerContract):
    pass


class TestDaprPubSub(PubSubContract):
    pass


@pytest.fixture
async def outage(machines: Bench, tmp_path: Path) -> AsyncIterator[tuple[DaprSidecar, Child, int]]:
    """A sidecar of its own, and its Redis and that one's port, for a test to stop and start again."""
    port = machines.redis()
    resources = local_components(tmp_path, port)
    redis = machines.children[-1]
    runs = machines.daprd(f"outage-{uuid.uuid4().hex[:8]}", resources)
    runs.ready()
    made = DaprSidecar(http_port=runs.http_port, grpc_port=runs.grpc_port)
    await made.open()
    yield made, redis, port
    await made.close()


async def test_an_outage_of_the_store_is_unavailable_and_never_a_conflict(
    machines: Bench, outage: tuple[DaprSidecar, Child, int]
) -> None:
    sidecar, redis, redis_port = outage
    state, held, empty = sidecar.state, fresh(), fresh()
    await state.create(held, {"n": 1})
    item = await state.get(held)
    assert item is not None
    machines.stop(redis)
    writes: list[Callable[[], Awaitable[object]]] = [
        lambda: state.create(empty, {"n": 1}),
        lambda: state.create_all([(empty, {"n": 1}), (fresh(), {"n": 1})]),
        lambda: state.replace(held, {"n": 2}, etag=item.etag),
        lambda: state.delete(held, etag=item.etag),
        lambda: state.put(held, {"n": 2}),
        lambda: change(state, held, lambda value: {"n": 2}),
    ]
    for write in writes:
        with pytest.raises(Unavailable):
            await write()
    machines.start_again(redis)
    wait_until(lambda: answers(redis_port), redis)
    assert await state.get(held) == item, "nothing of it was written"
    assert await state.get(empty) is None


async def test_without_a_sidecar_every_call_is_unavailable_and_nothing_is_ready(machines: Bench) -> None:
    lonely = DaprSidecar(http_port=machines.ports.take(), grpc_port=machines.ports.take())
    with pytest.raises(Unavailable):
        await lonely.state.get(fresh())
    await lonely.open()
    try:
        with pytest.raises(Unavailable):
            await lonely.state.create(fresh(), {})
        with pytest.raises(Unavailable):
            await lonely.pubsub.publish("contract.notes", {})
        with pytest.raises(Unavailable):
            async with lonely.invoker.open("anybody", "/"):
                pass
        assert await lonely.ready() == {"sidecar": False, "statestore": False, "pubsub": False}
    finally:
        await lonely.close()
    with pytest.raises(Unavailable):
        await lonely.state.get(fresh())


async def test_a_component_that_is_missing_is_told_by_name(daprd: Daprd) -> None:
    wrong = DaprSidecar(http_port=daprd.http_port, grpc_port=daprd.grpc_port, state_name="nostore", pubsub_name="nobus")
    await wrong.open()
    try:
        assert await wrong.ready() == {"sidecar": True, "statestore": False, "pubsub": False}
        with pytest.raises(Unavailable):
            await wrong.pubsub.publish("contract.notes", {})
    finally:
        await wrong.close()
