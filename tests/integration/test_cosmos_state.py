"""The state contract on `state.azure.cosmosdb`, against a server that speaks Cosmos DB's protocol."""

import uuid

import pytest
from cosmos_server import CosmosServer

from switchboard.sidecar import keys
from switchboard.sidecar.dapr import DaprSidecar
from switchboard.sidecar.ports import StateStore
from switchboard.testing.sidecar_contract import StateContract


@pytest.fixture
def state(cosmos_sidecar: DaprSidecar) -> StateStore:
    return cosmos_sidecar.state


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
