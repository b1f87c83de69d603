from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from switchboard.cli.up import default_instance, parse_replicas, print_ready, read_env_file
from switchboard.serve import module_of
from switchboard.system.errors import OperatorError
from switchboard.system.redis import split
from switchboard.system.runfile import RunFile


def test_replicas_are_read_by_app() -> None:
    assert parse_replicas(["billing=3", "tech=2"]) == {"billing": 3, "tech": 2}


@pytest.mark.parametrize("argument", ["billing", "billing=", "billing=0", "billing=11", "=2", "billing=two"])
def test_replicas_that_make_no_sense_are_refused(argument: str) -> None:
    with pytest.raises(OperatorError, match="billing=3"):
        parse_replicas([argument])


def test_the_usual_ports_keep_the_app_ids_as_they_are(tmp_path: Path) -> None:
    assert default_instance(tmp_path, free_ports=False) == ""


def test_on_free_ports_the_instance_stays_with_the_state_folder(tmp_path: Path) -> None:
    first = default_instance(tmp_path, free_ports=True)
    assert first
    assert default_instance(tmp_path, free_ports=True) == first
    assert default_instance(tmp_path / "other", free_ports=True) != first


def test_settings_of_the_environment_win_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "settings").write_text("# a comment\nSET_BEFORE=file\nSET_HERE='two words'\n")
    monkeypatch.setenv("SET_BEFORE", "environment")
    assert read_env_file(tmp_path / "settings") == {"SET_HERE": "two words"}


def test_a_settings_file_that_is_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="no settings file"):
        read_env_file(tmp_path / "nothing")


@pytest.mark.parametrize("host", ["localhost", "6390", "localhost:", ":6390"])
def test_a_redis_host_without_name_or_port_is_refused(host: str) -> None:
    with pytest.raises(OperatorError, match="host:port"):
        split(host)


def test_a_service_folder_is_imported_under_its_packages_name(tmp_path: Path) -> None:
    folder = tmp_path / "outer" / "inner"
    folder.mkdir(parents=True)
    (folder / "app.py").touch()
    (folder / "__init__.py").touch()
    (folder.parent / "__init__.py").touch()
    assert module_of(folder) == (tmp_path, "outer.inner.app")


def test_a_folder_without_app_is_not_a_service(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no app\.py"):
        module_of(tmp_path)


@pytest.mark.parametrize("is_demo", [True, False])
def test_a_demo_says_that_it_is_one(tmp_path: Path, is_demo: bool) -> None:
    run = RunFile(
        api_url="http://127.0.0.1:8080", console_url="", gateway_url="", otlp_url="", keys=[], processes=[],
        redis_host="localhost:6390", state_dir=str(tmp_path), pid=1, is_demo=is_demo,
    )  # fmt: skip
    told = StringIO()
    print_ready(Console(file=told, width=200), run, 1.0)
    assert ("SWITCHBOARD_DEMO=1" in told.getvalue()) is is_demo
