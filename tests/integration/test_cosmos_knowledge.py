"""The knowledge index in Cosmos DB keeps the contract, against a server that speaks Cosmos DB's protocol.

The server has no full-text and no vector search: `ranking_container` ranks what the queries' conditions give, and
`tests/unit/knowledge/test_cosmos_queries.py` holds the text of those queries against Azure's documentation.
"""

import os
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import AzureError
from azure.cosmos import CosmosClient
from cosmos_server import KEY, command
from ranking_container import RankingContainer
from runtime import Bench, bench, wait_until

from switchboard.contracts.errors import Unavailable
from switchboard.knowledge.indexes.cosmos import CosmosIndex, container_of
from switchboard.system.process import Child
from switchboard.testing.knowledge_contract import REFUND, ROUTER, KnowledgeIndexContract, embed, words

# The server's certificate is its own; it listens on loopback only.
pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("cosmos-knowledge")) as made:
        yield made


@pytest.fixture(scope="module")
def client(machines: Bench) -> CosmosClient:
    port = machines.ports.take()
    child = Child(
        "cosmos",
        [*command(), "--port", str(port), "--host", "127.0.0.1"],
        dict(os.environ),
        machines.folder,
        machines.folder / "cosmos.log",
        {"cosmos": port},
        kind="infrastructure",
    )
    machines.start(child)
    made: list[CosmosClient] = []

    def answers() -> bool:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                url = f"https://127.0.0.1:{port}"
                made.append(CosmosClient(url, KEY, connection_verify=False, enable_endpoint_discovery=False))
        except (AzureError, OSError):
            return False
        return True

    wait_until(answers, child)
    return made[-1]


@pytest.fixture
def container(client: CosmosClient) -> Iterator[RankingContainer]:
    made: Any = container_of(client, "switchboard", "knowledge")
    yield RankingContainer(made)
    client.get_database_client("switchboard").delete_container("knowledge")


@pytest.fixture
def index(container: RankingContainer) -> CosmosIndex:
    made: Any = container
    return CosmosIndex(made)


class TestCosmosIndex(KnowledgeIndexContract):
    pass


def test_a_search_during_a_sync_sees_the_version_before_it(
    index: CosmosIndex, container: RankingContainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.sync("tech", [ROUTER])
    seen: list[list[str]] = []
    write = container.upsert_item

    def upsert(item: dict[str, Any]) -> Any:
        if item["id"] == "head":  # everything else is written
            seen.extend([words(index, "red light"), words(index, "refunded")])
        return write(item)

    monkeypatch.setattr(container, "upsert_item", upsert, raising=False)
    index.sync("tech", [REFUND])
    assert seen == [["A red light means no signal.", "All is well then."], []] or seen[1] == []
    assert seen[0][0] == "A red light means no signal."
    assert words(index, "refunded") == [REFUND.text.strip()]
    assert words(index, "red light") == []


def test_what_a_sync_that_died_has_left_is_taken_back(
    index: CosmosIndex, container: RankingContainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.sync("tech", [ROUTER])
    write = container.upsert_item

    def upsert(item: dict[str, Any]) -> Any:
        if item["id"] == "head":
            raise AzureError("gone")
        return write(item)

    with monkeypatch.context() as patched:
        patched.setattr(container, "upsert_item", upsert, raising=False)
        with pytest.raises(Unavailable):
            index.sync("tech", [REFUND])
    assert words(index, "red light")[0] == "A red light means no signal."
    assert index.sync("tech", [ROUTER]).unchanged == 1
    assert words(index, "refunded") == []
    assert embed(index) == 2


def test_two_syncs_of_one_agent_exclude_each_other(index: CosmosIndex, container: RankingContainer) -> None:
    container.create_item({"id": "lease", "agent": "tech", "kind": "lease"})
    with pytest.raises(Unavailable, match="another process"):
        index.sync("tech", [ROUTER])
    index.sync("billing", [ROUTER])
