"""A real system for tests: real sidecars, real Redis, on free ports, in a folder of its own.

with System() as system:
    httpx.post(system.url("supervisor") + "/v1/chat", ...)
"""

import os
import secrets
import shutil
import signal as signals
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from rich.console import Console

from switchboard.system import build, environment, multiapp
from switchboard.system.runfile import Key, RunFile
from switchboard.system.spec import SystemSpec
from switchboard.system.stack import Stack

PROJECT = Path(__file__).resolve().parents[2]


def _knowledge_dir() -> Path:
    """The tests' article indexes, kept between runs: to embed all articles takes most of a cold start."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "switchboard" / "test-knowledge"


class System:
    """Starts on `start` (or `with`), leaves nothing after `stop`. What dies stays dead until `restart`.

    `apps`: ids of dapr.yaml, all of them by default. `environment` goes to every app, over everything else
    (model settings such as OPENAI_BASE_URL reach the gateway only). Calls are meant for one thread.
    """

    def __init__(
        self,
        *,
        apps: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        replicas: Mapping[str, int] | None = None,
        workflows: bool = False,
        multi_app: Path = Path("dapr.yaml"),
        project: Path = PROJECT,
        ready_s: float = 180.0,
    ) -> None:
        self.instance = f"t{secrets.token_hex(3)}"
        self.state_dir = Path(tempfile.mkdtemp(prefix=f"switchboard-{self.instance}-"))
        self._spec = SystemSpec(
            project=project,
            state_dir=self.state_dir,
            instance=self.instance,
            free_ports=True,
            apps=apps,
            replicas=replicas or {},
            environment={"SWITCHBOARD_KNOWLEDGE_DIR": str(_knowledge_dir()), **(environment or {})},
            workflows=workflows,
            supervise=False,
            multi_app=multi_app,
            ready_s=ready_s,
        )
        self._stack: Stack | None = None

    def start(self) -> RunFile:
        """Returns when every app is ready. Raises `OperatorError` with the log's end of what was not."""
        self._stack = Stack(self._spec, build.ensure(self._spec.project, Console(stderr=True)))
        try:
            return self._stack.start()
        except BaseException:
            shutil.rmtree(self.state_dir, ignore_errors=True)
            raise

    def stop(self) -> None:
        """Ends every process and removes the folder."""
        if self._stack is not None:
            self._stack.stop()
            self._stack = None
        shutil.rmtree(self.state_dir, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()

    @property
    def stack(self) -> Stack:
        if self._stack is None:
            raise RuntimeError("The system is not started.")
        return self._stack

    @property
    def run(self) -> RunFile:
        """What `run.json` holds."""
        return self.stack.run

    @property
    def run_path(self) -> Path:
        return self.stack.run_path

    @property
    def keys(self) -> list[Key]:
        return self.run.keys

    def url(self, name: str) -> str:
        """Base URL of an app, or of a sidecar's HTTP API (`billing.dapr`). Raises `KeyError`."""
        ports = self.stack.children[name].ports
        return f"http://127.0.0.1:{ports.get('app') or ports['http']}"

    def port(self, name: str, use: str) -> int:
        """A port by use: `app`, `dapr_http`, `dapr_grpc` of an app; `redis` of redis. Raises `KeyError`."""
        return self.stack.children[name].ports[use]

    def app_id(self, name: str) -> str:
        """The Dapr app id of an app of this system, such as "billing-t1f0c2a"."""
        app_id = self.stack.children[name].app_id
        if app_id is None:
            raise KeyError(name)
        return app_id

    def pid(self, name: str) -> int:
        return self.stack.children[name].pid

    def kill(self, name: str, signal: int = signals.SIGKILL) -> None:
        """Sends a signal to a process (`billing`, `billing.dapr`, `redis`) and waits up to 10 s for its end.

        SIGSTOP and SIGCONT are sent without waiting.
        """
        child = self.stack.children[name]
        child.signal(signal)
        if signal in (signals.SIGKILL, signals.SIGTERM, signals.SIGINT) and child.popen is not None:
            child.popen.wait(10)

    def restart(self, name: str) -> None:
        """Starts a process again on the same ports, and waits until it is ready. Raises `OperatorError`."""
        self.stack.restart(name)

    def logs(self, name: str) -> str:
        """Everything a process has written."""
        path = self.state_dir / "logs" / f"{name}.log"
        return path.read_text(errors="replace") if path.is_file() else ""


def app_names(project: Path = PROJECT) -> list[str]:
    """The ids in dapr.yaml whose service exists: while the system is being built, not all of them do."""
    definition = multiapp.read(project / "dapr.yaml")
    return [app.app_id for app in definition.apps if (project / app.command[-1] / "app.py").is_file()]


def without_model_settings() -> None:
    """Takes every provider's key and address out of this process's environment, for tests."""
    for name in list(os.environ):
        if name.startswith(environment.MODEL_SETTINGS) or name.upper() in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            del os.environ[name]
