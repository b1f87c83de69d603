"""Records that Redis has not taken yet, on this replica's disk: a file that lines are added to until it is read back."""

import logging
import os
import threading
from pathlib import Path

logger = logging.getLogger(__name__)

BYTES_MAX = 64 * 1024 * 1024
FILES_MAX = 100


class Spool:
    """One process's file; files that dead processes left in the folder are read back too. Lines hold no line feed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None
        self._path = folder / f"{os.getpid()}.jsonl"
        self._bytes = 0
        self._lock = threading.Lock()
        """`take` runs in a thread: it must not close the file that `add` writes to at this moment."""

    def add(self, line: bytes) -> None:
        """In the kernel's hands when it returns: the death of this process does not lose it. Raises `OSError`."""
        with self._lock:
            if self._bytes + len(line) > BYTES_MAX:
                raise OSError("The spool of the ledger is full.")
            if self._descriptor is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._bytes += os.write(self._descriptor, line + b"\n")

    def take(self) -> list[tuple[Path, list[bytes]]]:
        """Files with their whole lines. They stay until `done`; what is added from now on goes to a new file."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor, self._bytes = None, 0
            if self._path.exists():  # also what an earlier process of our number left
                self._path.rename(self._path.with_suffix(f".{os.urandom(4).hex()}.taken"))
        found: list[tuple[Path, list[bytes]]] = []
        for path in sorted(self._folder.glob("*"))[:FILES_MAX]:
            if path == self._path or (path.suffix == ".jsonl" and _is_alive(path)):
                continue  # it is still written: by us since a moment ago, or by another replica on this disk
            found.append((path, [line for line in path.read_bytes().split(b"\n") if line]))
        return found

    def done(self, path: Path) -> None:
        path.unlink(missing_ok=True)


def _is_alive(path: Path) -> bool:
    """Whether another process that runs now writes this file."""
    pid = int(path.stem) if path.stem.isdigit() else 0
    if pid in (0, os.getpid()):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
