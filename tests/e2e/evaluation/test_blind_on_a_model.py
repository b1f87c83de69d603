"""The blind set on a model of a team's own: `switchboard eval blind dev --start --model ALIAS`, here a scripted server."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from switchboard.cli.main import app
from switchboard.system.ports import free_port

START_S = 20.0
ONLY = "w1-b-00"
"""A handful of the cases of dev."""


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The scripted model in its own process, configured as an operator would; gives its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([sys.executable, "-m", "switchboard.testing.scripted_model", "--port", str(port)])
    give_up = time.monotonic() + START_S
    while True:
        try:
            httpx.get(f"{url}/healthz")
            break
        except httpx.TransportError:
            assert process.poll() is None and time.monotonic() < give_up
            time.sleep(0.05)
    for name, value in {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "sk-x", "OPENAI_MODEL": "scripted-1"}.items():
        monkeypatch.setenv(name, value)
    yield url
    process.terminate()
    process.wait(10)


def test_the_blind_set_runs_on_the_model_behind_an_alias(provider: str, tmp_path: Any) -> None:
    command = ["eval", "blind", "dev", "--start", "--model", "quality", "--only", ONLY, "--out", str(tmp_path)]
    ran = CliRunner().invoke(app, command)
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.stdout)
    assert found["model"] == "quality"
    assert found["all"]["failed"]["count"] == 0
    assert found["tokens_a_turn"]["prompt"] > 100

    asked = httpx.get(f"{provider}/requests").json()["requests"]
    offered = [tool for request in asked for tool in request["body"].get("tools") or []]
    assert {request["body"]["model"] for request in asked} == {"scripted-1"}
    assert offered and not any("Examples" in json.dumps(tool) or "x-" in json.dumps(tool) for tool in offered)
