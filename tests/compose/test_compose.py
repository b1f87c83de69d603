"""`make compose-test`: the compose file is built, started, asked over HTTP and taken down. Needs Docker or podman."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
API_PORT, CONSOLE_PORT = 18080, 18088
API = f"http://127.0.0.1:{API_PORT}"
READY_SECONDS_MAX = 240
KEY = {"Authorization": "Bearer demo-aurora-ada"}


def compose_command() -> list[str]:
    """The compose front end of the engine that really runs here: Docker's own, else podman's."""
    if shutil.which("docker") and subprocess.run(["docker", "info"], capture_output=True).returncode == 0:
        return ["docker", "compose"]
    if shutil.which("podman"):
        return [sys.executable, "-m", "podman_compose", "--podman-build-args=--network host"]
    pytest.fail("Neither a running Docker engine nor podman is here; install one, then run `make compose-test` again.")


@pytest.fixture(scope="module")
def compose() -> Iterator[list[str]]:
    command = [*compose_command(), "-p", "switchboard-test", "-f", str(ROOT / "docker-compose.yml")]
    os.environ.update(API_PORT=str(API_PORT), CONSOLE_PORT=str(CONSOLE_PORT))
    try:
        subprocess.run([*command, "build"], cwd=ROOT, check=True, timeout=1500)
        subprocess.run([*command, "up", "-d"], cwd=ROOT, check=True, timeout=300)
        yield command
    finally:
        subprocess.run([*command, "down", "-v"], cwd=ROOT, check=False, timeout=180)


@pytest.fixture(scope="module")
def api(compose: list[str]) -> Iterator[httpx.Client]:
    give_up = time.monotonic() + READY_SECONDS_MAX
    with httpx.Client(base_url=API, headers=KEY, timeout=60) as client:
        while True:
            try:
                agents = client.get("/v1/agents").json() if client.get("/readyz").status_code == 200 else []
                if len(agents["agents"] if isinstance(agents, dict) else agents) == 3:
                    break
            except (httpx.TransportError, ValueError):
                pass  # not up yet: the deadline below bounds the wait
            if time.monotonic() > give_up:
                subprocess.run([*compose, "logs", "--tail", "40"], cwd=ROOT, check=False)
                pytest.fail(f"The system in containers was not ready within {READY_SECONDS_MAX} s.")
            time.sleep(1)
        yield client


def ask(api: httpx.Client, message: str, conversation_id: str | None = None) -> dict[str, object]:
    body = {"message": message} | ({"conversation_id": conversation_id} if conversation_id else {})
    answer = api.post("/v1/chat", json=body, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_invoice_question_is_answered_by_billing(api: httpx.Client) -> None:
    answer = ask(api, "Why is my latest invoice higher than the one before?")
    assert answer["agents"] == ["billing"]
    assert "£" in str(answer["text"])


def test_a_troubleshooting_question_is_answered_by_tech_with_a_citation(api: httpx.Client) -> None:
    answer = ask(api, "What does a blinking red light on the router mean?")
    assert answer["agents"] == ["tech"]
    assert answer["citations"]


def test_two_intents_are_answered_by_two_services(api: httpx.Client) -> None:
    answer = ask(api, "I was charged twice and my router blinks red")
    assert sorted(answer["agents"]) == ["billing", "tech"]  # type: ignore[arg-type]


def test_the_page_is_served_and_the_services_run_without_root(compose: list[str], api: httpx.Client) -> None:
    assert "<html" in httpx.get(f"http://127.0.0.1:{CONSOLE_PORT}/", timeout=10).text
    for service in ("supervisor", "billing", "tech", "product", "gateway", "console"):
        user = subprocess.run(
            [*compose, "exec", "-T", service, "id", "-u"], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert user.stdout.strip().splitlines()[-1] == "10001", f"{service}: {user.stdout}{user.stderr}"


def test_a_specialists_image_carries_nothing_of_the_gateways(compose: list[str], api: httpx.Client) -> None:
    for service in ("billing", "tech", "product"):
        found = subprocess.run(
            [*compose, "exec", "-T", service, "python", "-c", "import onnxruntime"],
            cwd=ROOT,
            capture_output=True,
            timeout=60,
        )
        assert found.returncode != 0, f"{service} can import onnxruntime"
