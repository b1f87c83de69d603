"""An app and its sidecar as two processes: their commands and environments."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from switchboard.contracts import demo
from switchboard.system import credentials, environment
from switchboard.system.credentials import Credentials
from switchboard.system.environment import GATEWAY, MODEL_SETTINGS
from switchboard.system.multiapp import App, Common
from switchboard.system.process import Child
from switchboard.system.runtime import Runtime


@dataclass(frozen=True, slots=True)
class AppPorts:
    app: int
    http: int
    grpc: int
    internal: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every app of one run shares."""

    project: Path
    state_dir: Path
    runtime: Runtime
    resources: Path
    config: Path | None
    redis_host: str
    otlp_url: str
    api_url: str
    console_url: str
    instance: str
    placement_host: str | None
    scheduler_host: str | None
    credentials: Credentials
    is_demo: bool
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Set last, over everything else."""

    def app_id(self, base: str) -> str:
        return f"{base}-{self.instance}" if self.instance else base

    @property
    def exporting(self) -> dict[str, str]:
        """With what spans are sent; somebody else's collector has settings of its own, which are inherited."""
        return environment.exporting(self.credentials) if self.otlp_url == self.console_url else {}

    def log(self, name: str) -> Path:
        return self.state_dir / "logs" / f"{name}.log"


def processes(app: App, name: str, ports: AppPorts, common: Common, around: Surroundings) -> tuple[Child, Child]:
    """The app's process and its sidecar's, not started. `name` tells replicas of one app id apart.

    The two share a secret: what only a sidecar may deliver (turns, events) the app takes from its own alone.
    """
    pair = _app(app, name, ports, common, around), _sidecar(app, name, ports, around)
    token = pair[0].environment.get("APP_API_TOKEN") or credentials.new()
    for child in pair:
        child.environment["APP_API_TOKEN"] = token
    return pair


def _app(app: App, name: str, ports: AppPorts, common: Common, around: Surroundings) -> Child:
    app_id = around.app_id(app.app_id)
    settings = environment.of_app(app.app_id, around.credentials) | common.env | app.env
    settings |= around.exporting
    settings |= {
        demo.VARIABLE: "1" if around.is_demo else "0",
        "APP_ID": app_id,
        "APP_PORT": str(ports.app),
        "DAPR_HTTP_PORT": str(ports.http),
        "DAPR_GRPC_PORT": str(ports.grpc),
        "SWITCHBOARD_GATEWAY_APP_ID": around.app_id(GATEWAY),
        "SWITCHBOARD_HOST": "127.0.0.1",
        "SWITCHBOARD_DATA_DIR": str(around.state_dir / "data"),
        "SWITCHBOARD_REDIS_HOST": around.redis_host,
        "SWITCHBOARD_API_URL": around.api_url,
        "SWITCHBOARD_CONSOLE_URL": around.console_url,
        "OTEL_EXPORTER_OTLP_ENDPOINT": around.otlp_url,
        "PYTHONUNBUFFERED": "1",
    }
    settings |= around.environment
    if app.app_id != GATEWAY:
        settings = {key: value for key, value in settings.items() if not key.startswith(MODEL_SETTINGS)}
    command = [sys.executable if app.command[0] in ("python", "python3") else app.command[0], *app.command[1:]]
    folder = (around.project / app.app_dir_path).resolve()
    ports_by_use = {"app": ports.app, "dapr_http": ports.http, "dapr_grpc": ports.grpc}
    return Child(name, command, settings, folder, around.log(name), ports_by_use, app_id)


def _sidecar(app: App, name: str, ports: AppPorts, around: Surroundings) -> Child:
    app_id = around.app_id(app.app_id)
    command = [str(around.runtime.daprd)]
    flags = {
        "app-id": app_id,
        "app-port": str(ports.app),
        "app-protocol": "http",
        "dapr-http-port": str(ports.http),
        "dapr-grpc-port": str(ports.grpc),
        "dapr-internal-grpc-port": str(ports.internal),
        "dapr-internal-grpc-listen-address": "127.0.0.1",
        "dapr-listen-addresses": "127.0.0.1",
        "enable-metrics": "false",
        "resources-path": str(around.resources),
        "log-level": "warn",
        "max-body-size": "4Mi",
        "read-buffer-size": "16Ki",
        "dapr-graceful-shutdown-seconds": "3",
    }
    for flag, value in flags.items():
        command += [f"--{flag}={value}"]
    if around.config is not None:
        command += [f"--config={around.config}"]
    if around.placement_host is not None:
        command += [f"--placement-host-address={around.placement_host}"]
    if around.scheduler_host is not None:
        command += [f"--scheduler-host-address={around.scheduler_host}"]
    settings = environment.of_sidecar(around.credentials) | around.exporting
    settings |= {
        "SWITCHBOARD_REDIS_HOST": around.redis_host,
        "SWITCHBOARD_WARM_FILE": str(around.state_dir / "data" / "warm.sqlite"),
        "SWITCHBOARD_COLD_FOLDER": str(around.state_dir / "data" / "cold"),
        # The name resolver tells others this address. It keeps traffic, and other people's machines, out of the way.
        "DAPR_HOST_IP": "127.0.0.1",
        "OTEL_SERVICE_NAME": f"{app.app_id}.dapr",
        "OTEL_EXPORTER_OTLP_ENDPOINT": around.otlp_url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_BSP_SCHEDULE_DELAY": "500",  # ms; the default of 5 s leaves a turn's trace incomplete for as long
        "GOGC": os.environ.get("GOGC", "50"),  # its live heap is small: collected twice as often, it takes 4 MiB less
        "OTEL_EXPORTER_OTLP_INSECURE": "false" if around.otlp_url.startswith("https:") else "true",
    }
    ports_by_use = {"http": ports.http, "grpc": ports.grpc, "internal_grpc": ports.internal}
    name = f"{name}.dapr"
    return Child(name, command, settings, around.project, around.log(name), ports_by_use, app_id, kind="sidecar")
