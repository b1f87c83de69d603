"""Does what docs/adding-an-agent.md says, command by command, beside a running system."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from switchboard.testing.system import PROJECT, System

PAGE = PROJECT / "docs" / "adding-an-agent.md"
CONSOLE_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROUTED_WITHIN_S = 30.0  # a bound for a busy machine; docs promise five seconds of a quiet one
START_S = 60.0


def commands() -> list[list[str]]:
    blocks = CONSOLE_BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    return [shlex.split(line) for block in blocks for line in block.splitlines() if line.strip()]


def runnable(command: list[str]) -> list[str]:
    """The command with this interpreter's own modules, wherever its scripts are."""
    modules = {"switchboard": "switchboard.cli.main", "pytest": "pytest"}
    return [sys.executable, "-m", modules[command[0]], *command[1:]]


@pytest.fixture
def checkout(tmp_path: Path, system: System) -> Path:
    """A folder that stands for the newcomer's checkout, with the running system in it."""
    for name in ("components", "tools", "pyproject.toml", "services/supervisor"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(PROJECT / name)
    (tmp_path / ".switchboard").symlink_to(system.state_dir)
    shutil.copy(PROJECT / "dapr.yaml", tmp_path / "dapr.yaml")
    return tmp_path


@pytest.fixture
def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture
def started(checkout: Path, environment: dict[str, str]) -> Iterator[list[subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def test_the_page_has_the_commands_in_their_order() -> None:
    assert [command[:3] for command in commands()] == [
        ["switchboard", "agent", "new"],
        ["pytest", "services/shipping"],
        ["switchboard", "agent", "run"],
        ["switchboard", "chat", "Where is my parcel PCL-100001?"],
    ]


@pytest.mark.timeout(240)
def test_an_agent_made_by_the_page_is_routed_to_while_the_system_runs(
    system: System, checkout: Path, environment: dict[str, str], started: list[subprocess.Popen[str]]
) -> None:
    make, check, start, ask = commands()

    def run(command: list[str]) -> str:
        done = subprocess.run(
            runnable(command), cwd=checkout, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    run(make)
    assert "APP_ID: shipping" in (checkout / "dapr.yaml").read_text()
    assert "passed" in run(check)

    output = (checkout / "agent.log").open("w+")
    process = subprocess.Popen(
        runnable(start), cwd=checkout, env=environment, stdout=output, stderr=subprocess.STDOUT, text=True
    )
    started.append(process)
    give_up = time.monotonic() + START_S
    while "is running" not in (checkout / "agent.log").read_text():
        assert process.poll() is None and time.monotonic() < give_up, (checkout / "agent.log").read_text()
        time.sleep(0.05)

    supervisor = f"{system.url('supervisor')}/v1/chat"
    key = next(each.key for each in system.keys if each.user == "C-10001")
    ready = time.monotonic()
    while True:
        body = {"message": "Where is my parcel PCL-100001?"}
        answer = httpx.post(supervisor, json=body, headers={"Authorization": f"Bearer {key}"}, timeout=30)
        if answer.status_code == 200 and answer.json()["agents"] == ["shipping"]:
            break
        assert time.monotonic() - ready < ROUTED_WITHIN_S, answer.text
        time.sleep(0.1)
    assert "PCL-100001" in answer.json()["text"]
    assert "out for delivery" in answer.json()["text"]

    assert "out for delivery" in run(ask)
