"""One more agent with its sidecar, from a folder that dapr.yaml does not list, beside a system that another process runs."""

import time
from pathlib import Path
from typing import Any

import yaml

from switchboard.system import app as apps
from switchboard.system.app import AppPorts, Surroundings
from switchboard.system.errors import OperatorError
from switchboard.system.multiapp import App, Common
from switchboard.system.ports import Ports
from switchboard.system.process import Spawner, stop
from switchboard.system.readiness import is_ready

READY_S = 90.0
STOP_S = 5.0


def agent_id(folder: Path) -> str:
    """The id in the folder's agent.yaml. Raises `OperatorError`."""
    card = folder / "agent.yaml"
    try:
        content: Any = yaml.safe_load(card.read_text())
        return str(content["id"])
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        raise OperatorError(
            f"{card} is missing or has no id, so {folder} is not an agent: make one with `switchboard agent new`."
        ) from None


def agent_app(folder: Path) -> App:
    """The folder as an app of the multi-app format; its ports are placeholders, to be chosen when it starts."""
    return App.model_validate(
        {
            "appID": agent_id(folder),
            "appPort": 1,
            "daprHTTPPort": 1,
            "daprGRPCPort": 1,
            "daprInternalGRPCPort": 1,
            "command": ["python", "-m", "switchboard.serve", str(folder.resolve())],
        }
    )


class AddedAgent:
    """`start` once, `check` now and then, `stop` once."""

    def __init__(self, app: App, name: str, common: Common, around: Surroundings) -> None:
        self._ports = Ports()
        ports = AppPorts(*(self._ports.take() for _ in range(4)))
        self._app, self._sidecar = apps.processes(app, name, ports, common, around)
        self._spawner = Spawner()
        self.url = f"http://127.0.0.1:{ports.app}"

    def start(self) -> None:
        """Returns when it is ready. Raises `OperatorError`."""
        for child in (self._app, self._sidecar):
            child.log.unlink(missing_ok=True)
            child.start(self._spawner)
        deadline = time.monotonic() + READY_S
        while not is_ready(self._app):
            self.check()
            if time.monotonic() > deadline:
                raise OperatorError(
                    f"{self._app.name} was not ready within {READY_S:.0f} s. Its log ends:\n{self._app.tail()}"
                )
            time.sleep(0.1)

    def check(self) -> None:
        """Raises `OperatorError` when one of the two has ended."""
        for child in (self._app, self._sidecar):
            if child.exit_code is not None:
                raise OperatorError(
                    f"{child.name} stopped (exit code {child.exit_code}). Its log ends:\n{child.tail()}"
                )

    def stop(self) -> None:
        stop([self._app], STOP_S)
        stop([self._sidecar], STOP_S)
        self._spawner.close()
        self._ports.release()
