"""Starts what an integration test needs on free ports: Redis, and sidecars for apps of the test."""

import contextlib
import os
import shutil
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from switchboard.system import redis, runtime
from switchboard.system.ports import Ports
from switchboard.system.process import Child, Spawner, stop

ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 30.0


def daprd_path() -> Path:
    found = runtime.find(ROOT)
    if found is not None:
        return found.daprd
    local = ROOT / ".switchboard" / "bin" / "daprd"
    if local.exists():
        return local
    pytest.fail("The Dapr runtime is missing: run `make setup`, it builds it once.")


class Bench:
    """Processes and servers of one test module, all ended by `close`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = Ports()
        self._spawner = Spawner()
        self._children: list[Child] = []
        self._stops: list[Callable[[], None]] = []

    def redis(self, password: str = "") -> int:
        """The port of a Redis server that answers."""
        port = self.ports.take()
        child = redis.server(port, self.folder / "redis", self.folder / "redis.log", password)
        self.start(child)
        wait_until(lambda: redis.answers(port, password), child)
        return port

    def daprd(
        self,
        app_id: str,
        resources: Path,
        *,
        app_port: int | None = None,
        config: Path | None = None,
        otlp_port: int | None = None,
    ) -> "Daprd":
        """A sidecar without control plane, started; `ready` waits for it."""
        http_port, grpc_port, internal, metrics = (self.ports.take() for _ in range(4))
        command = [
            *(str(daprd_path()), "--app-id", app_id, "--resources-path", str(resources)),
            *("--dapr-http-port", str(http_port), "--dapr-grpc-port", str(grpc_port)),
            *("--dapr-internal-grpc-port", str(internal), "--metrics-port", str(metrics)),
            *("--dapr-listen-addresses", "127.0.0.1", "--dapr-graceful-shutdown-seconds", "1"),
            *("--placement-host-address", "", "--scheduler-host-address", ""),
            *(("--app-port", str(app_port), "--app-protocol", "http") if app_port else ()),
            *(("--config", str(config)) if config else ()),
        ]
        child = Child(
            f"daprd-{app_id}",
            command,
            {**os.environ, **(_exporting(otlp_port) if otlp_port else {})},
            self.folder,
            self.folder / f"daprd-{app_id}.log",
            {"http": http_port, "grpc": grpc_port},
            app_id=app_id,
            kind="sidecar",
        )
        self.start(child)
        return Daprd(child)

    def start(self, child: Child) -> None:
        child.start(self._spawner)
        self._children.append(child)

    def serve(self, app: Any) -> int:
        """Serves an ASGI app on a thread of this process; the port."""
        port = self.ports.take()
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + START_TIMEOUT_S
        while not server.started:
            assert time.monotonic() < deadline, "the test's app did not start"
            time.sleep(0.01)

        def end() -> None:
            server.should_exit = True
            thread.join(5)

        self._stops.append(end)
        return port

    @property
    def children(self) -> list[Child]:
        return self._children

    def stop(self, child: Child) -> None:
        stop([child], 5.0)

    def start_again(self, child: Child) -> None:
        child.start(self._spawner)

    def close(self) -> None:
        stop(self._children, 5.0)
        for end in self._stops:
            end()
        self._spawner.close()
        self.ports.release()


class Daprd:
    """A sidecar that runs."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.app_id = child.app_id or ""
        self.http_port = child.ports["http"]
        self.grpc_port = child.ports["grpc"]

    def ready(self, *, with_app: bool = False) -> None:
        """Waits until it serves its API; `with_app`: until it also knows its app and the app's subscriptions."""
        url = f"http://127.0.0.1:{self.http_port}/v1.0/healthz{'' if with_app else '/outbound'}"

        def answers() -> bool:
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1):
                return True
            return False

        wait_until(answers, self.child)


def wait_until(true: Callable[[], bool], child: Child) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not true():
        if child.exit_code is not None:
            pytest.fail(f"{child.name} ended:\n{child.tail()}")
        if time.monotonic() > deadline:
            pytest.fail(f"{child.name} is not ready after {START_TIMEOUT_S:g} s:\n{child.tail()}")
        time.sleep(0.05)


def local_components(folder: Path, redis_port: int, *, tiers: bool = False, **changes: str) -> Path:
    """`components/local` with its Redis at `redis_port`; `changes` replaces texts of the files (old=new as pairs).

    With `tiers` also the warm tier (`folder`/warm.sqlite) and the cold one (`folder`/cold), for any app.
    """
    resources = folder / "components"
    resources.mkdir(exist_ok=True)
    for name in ("statestore.yaml", "pubsub.yaml"):
        text = (ROOT / "components" / "local" / name).read_text()
        text = text.replace("envRef: SWITCHBOARD_REDIS_HOST", f'value: "127.0.0.1:{redis_port}"')
        for key, value in changes.items():
            text = text.replace(f'{{name: {key}, value: "{_value(text, key)}"}}', f'{{name: {key}, value: "{value}"}}')
        (resources / name).write_text(text)
    for name in ("warmstore.yaml", "coldstore.yaml") if tiers else ():
        text = (ROOT / "components" / "local" / name).read_text().replace("scopes: [supervisor]\n", "")
        text = text.replace("envRef: SWITCHBOARD_WARM_FILE", f'value: "{folder / "warm.sqlite"}"')
        text = text.replace("envRef: SWITCHBOARD_COLD_FOLDER", f'value: "{folder / "cold"}"')
        (resources / name).write_text(text)
    shutil.copy(ROOT / "components" / "local" / "resiliency.yaml", resources / "resiliency.yaml")
    return resources


def _exporting(port: int) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_INSECURE": "true",
    }


def _value(text: str, key: str) -> str:
    _, _, rest = text.partition(f'{{name: {key}, value: "')
    return rest.partition('"')[0]


@contextlib.contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    made = Bench(folder)
    try:
        yield made
    finally:
        made.close()
