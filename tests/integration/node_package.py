"""A folder with a package-lock.json, installed once per user and set of pins."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

INSTALL_TIMEOUT_S = 110
PINS_CHARACTERS = 10


def node_command(folder: Path, script: str, *, name: str, what: str) -> list[str]:
    """Runs `script` of `folder`, from its installed copy `name`. Skips the test, naming `what`, where Node is absent."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip(f"Node.js and npm are not installed: {what} needs them.")
    pinned = (folder / "package-lock.json").read_bytes() + (folder / script).read_bytes()
    pins = hashlib.sha256(pinned).hexdigest()[:PINS_CHARACTERS]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "switchboard"
    installed = cache / f"{name}-{pins}"
    if not installed.exists():
        making = cache / f"{name}-{pins}.{os.getpid()}"
        shutil.copytree(folder, making, dirs_exist_ok=True)
        install = [npm, "ci", "--omit=dev", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(install, cwd=making, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S)
        if done.returncode:
            pytest.fail(f"npm could not install {what}:\n{done.stderr[-1500:]}")
        try:
            making.rename(installed)
        except OSError:  # another run was faster
            shutil.rmtree(making)
    return [node, str(installed / script)]
