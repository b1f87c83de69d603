"""`components/local` and `components/azure` give the services the same things by the same names."""

from pathlib import Path
from typing import Any

import pytest
import yaml

COMPONENTS = Path(__file__).parents[3] / "components"
PLACES = ("local", "azure")


def documents(place: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in sorted((COMPONENTS / place).glob("*.yaml")):
        found += [document for document in yaml.safe_load_all(path.read_text()) if document]
    return found


def of_kind(place: str, kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in documents(place) if one["kind"] == kind}


def building_blocks(place: str) -> dict[str, str]:
    """Such as {"statestore": "state"}; secrets are no building block of the services themselves."""
    blocks = {name: one["spec"]["type"].partition(".")[0] for name, one in of_kind(place, "Component").items()}
    return {name: block for name, block in blocks.items() if block != "secretstores"}


def setting(place: str, component: str, name: str) -> Any:
    entries = of_kind(place, "Component")[component]["spec"]["metadata"]
    return next((entry.get("value") for entry in entries if entry["name"] == name), None)


def test_both_declare_the_same_components_of_the_same_kinds() -> None:
    assert building_blocks("local") == building_blocks("azure")
    assert building_blocks("azure") == {
        "statestore": "state",
        "warmstore": "state",
        "coldstore": "bindings",
        "pubsub": "pubsub",
        "workflowstore": "state",
    }


def test_the_azure_components_are_the_ones_of_the_design() -> None:
    types = {name: one["spec"]["type"] for name, one in of_kind("azure", "Component").items()}
    assert types == {
        "statestore": "state.azure.cosmosdb",
        "warmstore": "state.azure.cosmosdb",
        "coldstore": "bindings.azure.blobstorage",
        "pubsub": "pubsub.azure.servicebus.topics",
        "secretstore": "secretstores.azure.keyvault",
        "workflowstore": "state.redis",
    }


def test_both_scope_their_components_to_the_same_apps() -> None:
    for name in building_blocks("local"):
        scopes = [of_kind(place, "Component")[name].get("scopes") for place in PLACES]
        assert scopes[0] == scopes[1], name


def test_both_have_the_same_resiliency() -> None:
    local, azure = (of_kind(place, "Resiliency") for place in PLACES)
    assert {name: one["spec"] for name, one in local.items()} == {name: one["spec"] for name, one in azure.items()}
    assert local


def test_both_trace_every_call_under_the_same_configuration_name() -> None:
    local, azure = (of_kind(place, "Configuration") for place in PLACES)
    assert local.keys() == azure.keys()
    for name, one in local.items():
        assert one["spec"]["tracing"]["samplingRate"] == azure[name]["spec"]["tracing"]["samplingRate"] == "1"


@pytest.mark.parametrize("place", PLACES)
def test_keys_have_the_components_name_as_prefix_and_workflows_their_own_store(place: str) -> None:
    assert setting(place, "statestore", "keyPrefix") == "name"
    assert setting(place, "statestore", "actorStateStore") in (None, "false")
    assert setting(place, "workflowstore", "actorStateStore") == "true"


def test_no_secret_stands_in_a_file() -> None:
    for document in documents("azure"):
        for entry in document["spec"].get("metadata", []):
            if any(word in entry["name"].lower() for word in ("password", "key", "secret", "connectionstring")):
                assert entry["name"] == "keyPrefix" or "secretKeyRef" in entry, entry["name"]
