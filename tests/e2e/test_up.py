"""`switchboard up` as a person runs it: in a process of its own, with the smallest services there can be."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
TRIVIAL = PROJECT / "tests" / "fixtures" / "trivial.yaml"
READY_S = 60.0


class Up:
    def __init__(self, process: "subprocess.Popen[str]", state_dir: Path, output: Path) -> None:
        self.process = process
        self.state_dir = state_dir
        self._output = output

    @property
    def output(self) -> str:
        return self._output.read_text()

    def until(self, text: str) -> None:
        deadline = time.monotonic() + READY_S
        while text not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)

    def run_file(self) -> dict[str, Any]:
        return json.loads((self.state_dir / "run.json").read_text())

    def stop(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(15)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder of trivial services that is not ours, so that nothing is written into the checkout."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("components", "tests", "tools", "services"):
        (folder / name).symlink_to(PROJECT / name)
    (folder / "dapr.yaml").write_text(TRIVIAL.read_text())
    return folder


@contextmanager
def switchboard_up(project: Path, *options: str) -> Iterator[Up]:
    state_dir = project / ".switchboard"
    output = project / "output.txt"
    with output.open("w") as target:
        process = subprocess.Popen(
            [sys.executable, "-m", "switchboard.cli.main", "up", *options],
            cwd=project,
            env=os.environ | {"COLUMNS": "200"},
            stdout=target,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        yield Up(process, state_dir, output)
    finally:
        process.kill()
        process.wait(10)


def none_is_left(pids: list[int]) -> bool:
    deadline = time.monotonic() + 5
    while alive := [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"]:
        if time.monotonic() > deadline:
            print("still alive:", alive)
            return False
        time.sleep(0.05)
    return True


def test_up_starts_everything_says_where_it_is_and_ctrl_c_leaves_no_process(project: Path) -> None:
    instance = f"u{secrets.token_hex(3)}"
    with switchboard_up(project, "--free-ports", "--instance", instance, "--replicas", "billing=2") as up:
        up.until("Ctrl-C stops everything")
        run = up.run_file()
        processes = {process["name"]: process for process in run["processes"]}
        assert {"redis", "supervisor", "supervisor.dapr", "billing", "billing-2", "gateway", "console"} <= set(
            processes
        )
        assert processes["billing"]["app_id"] == processes["billing-2"]["app_id"] == f"billing-{instance}"
        assert run["keys"][0].keys() >= {"key", "tenant", "user", "roles"}
        for url in ("api_url", "console_url", "gateway_url", "otlp_url"):
            assert httpx.get(run[url] + "/readyz").status_code == 200
        assert run["console_url"] in up.output
        assert run["keys"][0]["key"] in up.output

        invoke = f"http://127.0.0.1:{processes['supervisor']['ports']['dapr_http']}/v1.0/invoke/billing-{instance}/method/whoami"
        answered = {httpx.get(invoke).json()["pid"] for _ in range(16)}
        assert answered == {processes["billing"]["pid"], processes["billing-2"]["pid"]}

        pids = [process["pid"] for process in run["processes"]]
        assert up.stop(signal.SIGINT) == 0
        assert none_is_left(pids)
        assert not (up.state_dir / "run.json").exists()
        assert "Traceback" not in up.output


def test_what_dies_is_named_and_started_again_while_the_rest_goes_on(project: Path) -> None:
    with switchboard_up(project, "--free-ports") as up:
        up.until("Ctrl-C stops everything")
        before = {process["name"]: process["pid"] for process in up.run_file()["processes"]}
        os.kill(before["billing"], signal.SIGKILL)
        os.kill(before["tech.dapr"], signal.SIGKILL)
        up.until("billing stopped (exit code -9)")
        up.until("tech.dapr stopped (exit code -9)")
        deadline = time.monotonic() + 20
        while True:
            now = {process["name"]: process for process in up.run_file()["processes"]}
            if now["billing"]["pid"] != before["billing"] and now["tech.dapr"]["pid"] != before["tech.dapr"]:
                break
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert now["supervisor"]["pid"] == before["supervisor"]
        while True:
            try:
                if httpx.get(f"http://127.0.0.1:{now['billing']['ports']['app']}/readyz").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert up.stop(signal.SIGTERM) == 0
        assert none_is_left([process["pid"] for process in now.values()])


def test_children_end_even_when_up_itself_is_killed(project: Path) -> None:
    with switchboard_up(project, "--free-ports") as up:
        up.until("Ctrl-C stops everything")
        pids = [process["pid"] for process in up.run_file()["processes"]]
        up.process.kill()
        assert none_is_left(pids)


def test_a_taken_port_is_one_sentence_with_the_fix(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        definition = yaml.safe_load((project / "dapr.yaml").read_text())
        definition["apps"][0]["appPort"] = port
        (project / "dapr.yaml").write_text(yaml.safe_dump(definition))
        with switchboard_up(project) as up:
            assert up.process.wait(20) == 1
            last = up.output.strip().splitlines()[-1]
            assert str(port) in last or "is taken by" in last
            assert "--free-ports" in last
            assert "Traceback" not in up.output


def test_a_service_that_does_not_start_is_named_with_the_end_of_its_log(project: Path) -> None:
    definition = yaml.safe_load((project / "dapr.yaml").read_text())
    definition["apps"] = definition["apps"][:1]
    definition["apps"][0]["command"] = ["python", "-c", "raise SystemExit('the database is gone')"]
    (project / "dapr.yaml").write_text(yaml.safe_dump(definition))
    with switchboard_up(project, "--free-ports") as up:
        assert up.process.wait(30) == 1
        assert "stopped while starting" in up.output
        assert "the database is gone" in up.output
        assert "Traceback" not in up.output


def test_a_second_up_in_the_same_folder_is_refused(project: Path) -> None:
    with switchboard_up(project, "--free-ports") as up:
        up.until("Ctrl-C stops everything")
        second = subprocess.run(
            [sys.executable, "-m", "switchboard.cli.main", "up", "--free-ports"],
            cwd=project,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert second.returncode == 1
        assert "already running" in second.stderr
        assert up.stop(signal.SIGINT) == 0


def test_without_go_and_dapr_it_says_what_to_install(project: Path) -> None:
    environment = os.environ | {"PATH": "/nonexistent", "HOME": str(project), "XDG_CACHE_HOME": str(project / "cache")}
    environment.pop("SWITCHBOARD_BIN_DIR", None)
    done = subprocess.run(
        [sys.executable, "-m", "switchboard.cli.main", "up"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "install Go 1.26" in done.stderr
    assert "Traceback" not in done.stderr
