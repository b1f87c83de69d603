"""One child process: started in its own group, logging to a file, dying with us, stopped as a group."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
TAIL_BYTES = 16_384
PRIVATE = 0o077
"""What a child writes (customers' words, spans, the ledger) is its owner's alone to read."""


def _die_with_parent() -> Callable[[], None] | None:
    """What a Linux child runs before exec so that the kernel kills it when our process ends, however it ends."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def set_signal() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return set_signal


class Spawner:
    """Starts children from one thread that lives as long as they do: the kernel ties the death signal to the thread."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")
        self._before_exec = _die_with_parent()

    def spawn(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path
    ) -> subprocess.Popen[bytes]:
        return self._thread.submit(self._spawn, command, environment, folder, log).result()

    def _spawn(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path
    ) -> subprocess.Popen[bytes]:
        log.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
            return subprocess.Popen(
                list(command),
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=PRIVATE,
                preexec_fn=self._before_exec,
            )

    def close(self) -> None:
        """Only after every child has ended."""
        self._thread.shutdown(wait=False)


@dataclass(slots=True)
class Child:
    """A process of the system, by name. Can be started again after it ended."""

    name: str
    command: list[str]
    environment: dict[str, str]
    folder: Path
    log: Path
    ports: dict[str, int]
    app_id: str | None = None
    kind: str = "app"
    """`app`, `sidecar` or `infrastructure`."""
    stopping: bool = False
    popen: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        return self.popen.pid if self.popen else 0

    @property
    def exit_code(self) -> int | None:
        """None while it runs; -1 when it never started."""
        return self.popen.poll() if self.popen else -1

    def start(self, spawner: Spawner) -> None:
        self.stopping = False
        self.popen = spawner.spawn(self.command, self.environment, self.folder, self.log)

    def signal(self, number: int) -> None:
        """Sends a signal to the process group; nothing when it is gone."""
        if self.popen is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.popen.pid, number)

    def wait(self, deadline: float) -> bool:
        """Whether it ended before `deadline` (of time.monotonic)."""
        if self.popen is None:
            return True
        try:
            self.popen.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        return True

    def tail(self, lines: int = 12) -> str:
        """The last lines of its log."""
        try:
            with self.log.open("rb") as log:
                log.seek(0, os.SEEK_END)
                log.seek(max(0, log.tell() - TAIL_BYTES))
                text = log.read().decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])


def stop(children: Sequence[Child], grace_s: float) -> None:
    """Asks all of them to end at once, and kills the groups of those that still run after `grace_s` seconds."""
    for child in children:
        child.stopping = True
        child.signal(signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    for child in children:
        child.wait(deadline)
    for child in children:
        child.signal(signal.SIGKILL)
        child.wait(time.monotonic() + 5)
