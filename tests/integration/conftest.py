"""A sidecar whose state store is `state.azure.cosmosdb`, for every module that runs on it; started once a session."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cosmos_server import KEY, CosmosServer
from runtime import ROOT, Bench, Daprd, bench

from switchboard.sidecar.dapr import DaprSidecar


@pytest.fixture(scope="session")
def cosmos_machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("cosmos")) as made:
        yield made


@pytest.fixture(scope="session")
def cosmos(cosmos_machines: Bench) -> CosmosServer:
    return CosmosServer(cosmos_machines)


@pytest.fixture(scope="session")
def cosmos_daprd(cosmos_machines: Bench, cosmos: CosmosServer) -> Daprd:
    resources = azure_statestore(cosmos_machines.folder, cosmos.url)
    made = cosmos_machines.daprd(f"cosmos-{uuid.uuid4().hex[:8]}", resources)
    made.ready()
    return made


@pytest.fixture
async def cosmos_sidecar(cosmos_daprd: Daprd) -> AsyncIterator[DaprSidecar]:
    made = DaprSidecar(http_port=cosmos_daprd.http_port, grpc_port=cosmos_daprd.grpc_port)
    await made.open()
    yield made
    await made.close()


def azure_statestore(folder: Path, url: str) -> Path:
    """`components/azure/statestore.yaml` with the server's address, and its key in place of an identity."""
    component: dict[str, Any] = yaml.safe_load((ROOT / "components" / "azure" / "statestore.yaml").read_text())
    kept = [entry for entry in component["spec"]["metadata"] if "envRef" not in entry]
    component["spec"]["metadata"] = [{"name": "url", "value": url}, {"name": "masterKey", "value": KEY}, *kept]
    resources = folder / "components"
    resources.mkdir(exist_ok=True)
    (resources / "statestore.yaml").write_text(yaml.safe_dump(component))
    return resources
