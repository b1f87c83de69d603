"""Placement and scheduler: what Dapr's actors, workflows and jobs need beside the sidecars."""

from pathlib import Path

from switchboard.system import environment
from switchboard.system.process import Child
from switchboard.system.runtime import Runtime

PLACEMENT_PORT, SCHEDULER_PORT = 50_005, 50_006
"""Dapr's own defaults."""


def placement(runtime: Runtime, port: int, healthz: int, raft: int, folder: Path, log: Path) -> Child:
    """The placement service's process, not started."""
    command = [
        str(runtime.placement),
        f"--port={port}",
        "--listen-address=127.0.0.1",
        f"--healthz-port={healthz}",
        "--healthz-listen-address=127.0.0.1",
        f"--initial-cluster=dapr-placement-0=127.0.0.1:{raft}",
        "--enable-metrics=false",
        "--log-level=warn",
    ]
    ports = {"grpc": port, "healthz": healthz, "raft": raft}
    return Child("placement", command, environment.of_process(), folder, log, ports, kind="infrastructure")


def scheduler(runtime: Runtime, port: int, healthz: int, client: int, peer: int, folder: Path, log: Path) -> Child:
    """The scheduler's process (an etcd inside), not started. Jobs are kept under `folder`."""
    command = [
        str(runtime.scheduler),
        f"--port={port}",
        "--listen-address=127.0.0.1",
        f"--override-broadcast-host-port=127.0.0.1:{port}",
        f"--healthz-port={healthz}",
        "--healthz-listen-address=127.0.0.1",
        f"--etcd-client-port={client}",
        f"--etcd-initial-cluster=dapr-scheduler-server-0=http://localhost:{peer}",
        f"--etcd-data-dir={folder / 'scheduler'}",
        "--enable-metrics=false",
        "--log-level=warn",
    ]
    ports = {"grpc": port, "healthz": healthz, "etcd_client": client, "etcd_peer": peer}
    return Child("scheduler", command, environment.of_process(), folder, log, ports, kind="infrastructure")
