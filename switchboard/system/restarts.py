"""Starts again what dies while a system runs."""

import threading
import time
from collections.abc import Callable, Mapping

from switchboard.system.process import Child, Spawner
from switchboard.system.spec import Watcher

RESTARTS_MAX, RESTARTS_WINDOW_S = 5, 60.0
"""Of one process; what dies more often stays dead."""
DELAY_S, DELAY_S_MAX = 0.5, 10.0
"""Before the first restart within the window; it doubles with each further one."""
LOOK_EVERY_S = 0.25


class Restarts:
    """Looks at `children` every quarter of a second until it is stopped; `restarted` is called after each restart."""

    def __init__(
        self, children: Mapping[str, Child], spawner: Spawner, watcher: Watcher, restarted: Callable[[], None]
    ) -> None:
        self._children = children
        self._spawner = spawner
        self._watcher = watcher
        self._restarted = restarted
        self._deaths: dict[str, list[float]] = {}
        self._due: dict[str, float] = {}

    def run(self, stopping: threading.Event) -> None:
        """Returns when `stopping` is set."""
        while not stopping.wait(LOOK_EVERY_S):
            now = time.monotonic()
            for name, child in list(self._children.items()):
                if not child.stopping and child.exit_code is not None:
                    self._is_dead(name, child, child.exit_code, now)

    def _is_dead(self, name: str, child: Child, exit_code: int, now: float) -> None:
        if name in self._due:
            if now >= self._due[name]:
                del self._due[name]
                child.start(self._spawner)
                self._restarted()
            return
        recent = [at for at in self._deaths.get(name, []) if now - at < RESTARTS_WINDOW_S]
        self._deaths[name] = [*recent, now]
        delay_s = None if len(recent) >= RESTARTS_MAX else min(DELAY_S * 2 ** len(recent), DELAY_S_MAX)
        self._watcher.died(name, exit_code, child.tail(), delay_s)
        if delay_s is None:
            child.stopping = True
        else:
            self._due[name] = now + delay_s
