from pathlib import Path

import pytest
import yaml

from switchboard.system import multiapp
from switchboard.system.errors import OperatorError
from switchboard.system.resources import renamed, render

PROJECT = Path(__file__).resolve().parents[3]


def test_the_projects_list_of_apps_is_read() -> None:
    definition = multiapp.read(PROJECT / "dapr.yaml")
    assert {app.app_id: app.app_port for app in definition.apps} == {
        "console": 8088,
        "gateway": 8090,
        "supervisor": 8080,
        "billing": 8081,
        "tech": 8082,
        "product": 8083,
    }
    assert definition.common.resources_path == "components/local"


def test_no_port_is_given_twice() -> None:
    apps = multiapp.read(PROJECT / "dapr.yaml").apps
    ports = [
        port
        for app in apps
        for port in (app.app_port, app.dapr_http_port, app.dapr_grpc_port, app.dapr_internal_grpc_port)
    ]
    assert len(ports) == len(set(ports))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("version: 1", "is wrong at apps"),
        ("version: 2\napps: [{appID: a}]", "is wrong at version"),
        ("{", "is not valid YAML"),
    ],
)
def test_a_wrong_list_of_apps_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "dapr.yaml").write_text(text)
    with pytest.raises(OperatorError, match=sentence):
        multiapp.read(tmp_path / "dapr.yaml")


def test_resources_of_a_run_name_the_runs_app_ids(tmp_path: Path) -> None:
    render([PROJECT / "components" / "local"], tmp_path / "out", {"billing": "billing-x1"})
    policies = yaml.safe_load((tmp_path / "out" / "resiliency.yaml").read_text())["spec"]["targets"]["apps"]
    assert "billing-x1" in policies
    assert "billing" not in policies
    assert renamed({"scopes": ["billing", "other"]}, {"billing": "billing-x1"}) == {"scopes": ["billing-x1", "other"]}


def test_the_actor_store_is_not_the_state_store() -> None:
    def metadata(name: str) -> dict[str, str]:
        component = yaml.safe_load((PROJECT / "components" / "local" / f"{name}.yaml").read_text())
        return {entry["name"]: entry.get("value", "") for entry in component["spec"]["metadata"]}

    assert "actorStateStore" not in metadata("statestore")
    assert metadata("workflowstore")["actorStateStore"] == "true"
    assert metadata("statestore")["redisDB"] != metadata("workflowstore")["redisDB"]
