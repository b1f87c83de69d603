"""The store of kept answers keeps the contract of stores behind a real sidecar and a real Redis."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from entries_contract import EntriesContract

from services.supervisor.caching.entries import StateEntries
from switchboard.caching.entries.port import Bounds
from switchboard.sidecar import keys
from switchboard.sidecar.dapr import DaprSidecar
from tests.integration.runtime import Daprd, bench, local_components


@pytest.fixture(scope="module")
def daprd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daprd]:
    with bench(tmp_path_factory.mktemp("answers")) as made:
        started = made.daprd(f"answers-{uuid.uuid4().hex[:8]}", local_components(made.folder, made.redis()))
        started.ready()
        yield started


@pytest.fixture
async def sidecar(daprd: Daprd) -> AsyncIterator[DaprSidecar]:
    made = DaprSidecar(http_port=daprd.http_port, grpc_port=daprd.grpc_port)
    await made.open()
    yield made
    await made.close()


class TestStateEntries(EntriesContract):
    @pytest.fixture
    def partition(self) -> str:
        return f"aurora|{uuid.uuid4().hex}"

    @pytest.fixture
    def entries(self, sidecar: DaprSidecar) -> StateEntries:
        return StateEntries(sidecar.state, fresh_s=0)

    @pytest.fixture
    def wait(self) -> Callable[[float], Awaitable[None]]:
        return asyncio.sleep

    @pytest.fixture
    def forget(self, sidecar: DaprSidecar) -> Callable[[StateEntries, str], Awaitable[None]]:
        async def lose(entries: StateEntries, partition: str) -> None:
            tenant, _, scope = partition.rpartition("|")
            await sidecar.state.delete(keys.kept_answers(tenant, scope))
            for identity in ("one", "two", "three"):
                await sidecar.state.delete(keys.kept_answer(tenant, scope, identity))

        return lose

    async def test_the_entry_used_longest_ago_goes_when_there_are_too_many(
        self, entries: StateEntries, partition: str
    ) -> None:
        """Uses are not counted here: the oldest goes."""
        bounds = Bounds(entries_max=2, bytes_max=1_000, ttl_s=60.0)
        for identity in ("one", "two", "three"):
            await entries.put(partition, identity, b"", b"v", bounds)
        assert await entries.ids(partition) == {"two", "three"}


async def test_replicas_that_keep_answers_at_once_lose_none(sidecar: DaprSidecar):
    partition = f"aurora|{uuid.uuid4().hex}"
    replicas = [StateEntries(sidecar.state, fresh_s=0) for _ in range(4)]
    names = [f"{replica}-{number}" for replica in range(4) for number in range(3)]
    await asyncio.gather(
        *(replicas[int(name[0])].put(partition, name, b"h", b"v", Bounds(ttl_s=60.0)) for name in names)
    )
    assert await replicas[0].ids(partition) == set(names)
