"""The state contract on `state.azure.cosmosdb`, against a server that speaks Cosmos DB's protocol."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cosmos_server import KEY, CosmosServer
from runtime import ROOT, Bench, Daprd, bench

from switchboard.sidecar import keys
from switchboard.sidecar.dapr import DaprSidecar
from switchboard.sidecar.ports import StateStore
from switchboard.testing.sidecar_contract import StateContract


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("cosmos")) as made:
        yield made


@pytest.fixture(scope="module")
def cosmos(machines: Bench) -> CosmosServer:
    return CosmosServer(machines)


@pytest.fixture(scope="module")
def daprd(machines: Bench, cosmos: CosmosServer) -> Daprd:
    made = machines.daprd(f"cosmos-{uuid.uuid4().hex[:8]}", azure_statestore(machines.folder, cosmos.url))
    made.ready()
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


def azure_statestore(folder: Path, url: str) -> Path:
    """`components/azure/statestore.yaml` with the server's address, and its key in place of an identity."""
    component: dict[str, Any] = yaml.safe_load((ROOT / "components" / "azure" / "statestore.yaml").read_text())
    kept = [entry for entry in component["spec"]["metadata"] if "envRef" not in entry]
    component["spec"]["metadata"] = [{"name": "url", "value": url}, {"name": "masterKey", "value": KEY}, *kept]
    resources = folder / "components"
    resources.mkdir(exist_ok=True)
    (resources / "statestore.yaml").write_text(yaml.safe_dump(component))
    return resources


class TestCosmosState(StateContract):
    pass


async def test_a_document_has_our_key_as_its_id_and_our_partition_as_its_partition_key(
    state: StateStore, cosmos: CosmosServer
) -> None:
    conversation = uuid.uuid4().hex
    key = keys.turn("aurora", conversation, 7)
    await state.create(key, {"text": "hello", "amount": 12.5}, ttl_s=3600)
    document = cosmos.document(f"statestore||turn|aurora|{conversation}|7", f"aurora|{conversation}")
    assert document["partitionKey"] == key.partition == f"aurora|{conversation}"
    assert document["value"] == {"text": "hello", "amount": 12.5}, "stored as JSON, so that it can be queried"
    assert document["ttl"] == 3600


async def test_one_partition_holds_a_conversation_and_its_turns(state: StateStore) -> None:
    conversation = uuid.uuid4().hex
    whole = [keys.conversation("aurora", conversation), *(keys.turn("aurora", conversation, n) for n in range(1, 4))]
    for n, key in enumerate(whole):
        await state.create(key, {"n": n})
    items = await state.get_many(whole)
    assert [item.value["n"] for item in items if item] == [0, 1, 2, 3]
    assert {key.partition for key in whole} == {f"aurora|{conversation}"}
