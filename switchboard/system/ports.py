"""TCP ports of the loopback interface: which are free, and who took one that is not."""

import contextlib
import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path
from typing import IO

FIRST, LAST = 20_000, 31_999
"""Below the ports that Linux gives to outgoing connections (32768 and up), so that none of these takes ours."""
ATTEMPTS_MAX = 2_000


class NoFreePort(RuntimeError):
    """Every port that was tried is taken."""


class Ports:
    """Free ports, each kept for this process until `release`: no other Switchboard on this machine is given them."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(tempfile.gettempdir()) / f"switchboard-ports-{os.getuid()}"
        self._locks: dict[int, IO[str]] = {}

    def take(self) -> int:
        """A port nobody listens on. Raises `NoFreePort`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for _ in range(ATTEMPTS_MAX):
            port = random.randint(FIRST, LAST)
            lock = (self._folder / str(port)).open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
                continue
            if is_taken(port):
                self._give_back(port, lock)
                continue
            self._locks[port] = lock
            return port
        raise NoFreePort("No free port was found between 20000 and 31999.")

    def release(self) -> None:
        for port, lock in self._locks.items():
            self._give_back(port, lock)
        self._locks.clear()

    def _give_back(self, port: int, lock: IO[str]) -> None:
        with contextlib.suppress(OSError):
            (self._folder / str(port)).unlink()
        lock.close()


_of_this_process = Ports()


def free_port() -> int:
    """A port kept for this process until it ends. Raises `NoFreePort`."""
    return _of_this_process.take()


def is_taken(port: int) -> bool:
    """Whether something listens on a port, of any interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def holder(port: int) -> str | None:
    """The process that listens on a port, as "name (pid 1)"; None when it cannot be seen."""
    import psutil

    try:
        connections = psutil.net_connections(kind="tcp")
    except (psutil.AccessDenied, OSError):
        return None
    for connection in connections:
        if (
            connection.status == psutil.CONN_LISTEN
            and connection.laddr
            and connection.laddr.port == port
            and connection.pid
        ):
            with contextlib.suppress(psutil.Error):
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return None
