"""One app with its sidecar, beside a system that another process runs."""

import time

from switchboard.cli.problem import Problem
from switchboard.cli.system import app as apps
from switchboard.cli.system.app import AppPorts, Surroundings
from switchboard.cli.system.multiapp import App, Common
from switchboard.cli.system.ports import Ports
from switchboard.cli.system.process import Spawner, stop
from switchboard.cli.system.readiness import is_ready

READY_S = 90.0
STOP_S = 5.0


class Solo:
    """`start` once, `check` now and then, `stop` once."""

    def __init__(self, app: App, name: str, common: Common, around: Surroundings) -> None:
        self._ports = Ports()
        ports = AppPorts(*(self._ports.take() for _ in range(4)))
        self._app, self._sidecar = apps.processes(app, name, ports, common, around)
        self._spawner = Spawner()
        self.url = f"http://127.0.0.1:{ports.app}"

    def start(self) -> None:
        """Returns when it is ready. Raises `Problem`."""
        for child in (self._app, self._sidecar):
            child.log.unlink(missing_ok=True)
            child.start(self._spawner)
        deadline = time.monotonic() + READY_S
        while not is_ready(self._app):
            self.check()
            if time.monotonic() > deadline:
                raise Problem(
                    f"{self._app.name} was not ready within {READY_S:.0f} s. Its log ends:\n{self._app.tail()}"
                )
            time.sleep(0.1)

    def check(self) -> None:
        """Raises `Problem` when one of the two has ended."""
        for child in (self._app, self._sidecar):
            if child.exit_code is not None:
                raise Problem(f"{child.name} stopped (exit code {child.exit_code}). Its log ends:\n{child.tail()}")

    def stop(self) -> None:
        stop([self._app], STOP_S)
        stop([self._sidecar], STOP_S)
        self._spawner.close()
        self._ports.release()
