"""The Dapr runtime on this machine: an installed one (1.17 or newer), or our own build."""

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from switchboard.system.errors import OperatorError

VERSION = "1.18.0"
OLDEST = (1, 17)
BINARIES = ("daprd", "placement", "scheduler", "sentry")
STAMP = "dapr.stamp"


@dataclass(frozen=True, slots=True)
class Runtime:
    daprd: Path
    placement: Path | None
    """None where an installed daprd came without it: then there are no workflows."""
    scheduler: Path | None
    version: str
    built_here: bool


def modules(project: Path) -> Path:
    """The folder of the Go module that pins the runtime."""
    return project / "tools" / "dapr"


def bin_dir(project: Path) -> Path:
    """Where our own build goes: SWITCHBOARD_BIN_DIR, or the user's cache, so that a second clone builds nothing."""
    if folder := os.environ.get("SWITCHBOARD_BIN_DIR"):
        return Path(folder).expanduser().resolve()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "switchboard" / f"dapr-{VERSION}-{fingerprint(project)}"


def fingerprint(project: Path) -> str:
    """Changes when the pinned modules or our own main of daprd change. Raises `OperatorError` when they are missing."""
    folder = modules(project)
    try:
        made_of = [folder / "go.sum", folder / "go.mod", *sorted((folder / "daprd").glob("*.go"))]
        pins = b"".join(path.read_bytes() for path in made_of)
    except OSError:
        raise OperatorError(
            "tools/dapr/go.mod is missing, so Dapr cannot be built: run this in the project's folder."
        ) from None
    return hashlib.sha256(pins).hexdigest()[:10]


def installed() -> Runtime | None:
    """daprd 1.17 or newer of PATH or of the Dapr CLI's folder; None when there is none."""
    for folder in (None, Path.home() / ".dapr" / "bin"):
        daprd = _which("daprd", folder)
        if daprd is None:
            continue
        version = version_of(daprd)
        if _numbers(version) >= OLDEST:
            return Runtime(daprd, _which("placement", folder), _which("scheduler", folder), version, False)
    return None


def built(project: Path) -> Runtime | None:
    """Our own build, when it is complete and of the pinned modules."""
    folder = bin_dir(project)
    stamp = folder / STAMP
    if not stamp.is_file() or stamp.read_text().strip() != fingerprint(project):
        return None
    if not all(os.access(folder / name, os.X_OK) for name in BINARIES):
        return None
    return Runtime(folder / "daprd", folder / "placement", folder / "scheduler", VERSION, True)


def find(project: Path) -> Runtime | None:
    """The runtime to use without building anything; None when one has to be built."""
    if os.environ.get("SWITCHBOARD_BIN_DIR"):
        return built(project) or installed()
    return installed() or built(project)


def version_of(daprd: Path) -> str:
    """As it says itself, such as "1.18.0"; empty when it does not run."""
    try:
        answer = subprocess.run([daprd, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()


def _which(name: str, folder: Path | None) -> Path | None:
    found = shutil.which(name, path=str(folder) if folder else None)
    return Path(found) if found else None


def _numbers(version: str) -> tuple[int, int]:
    match = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)
