"""Runs one service folder: `python -m switchboard.serve services/billing`.

Imports `<package>.app` of the folder (which may lie anywhere on disk, so an agent team's own folder works too) and
serves its `app` on SWITCHBOARD_HOST:APP_PORT. Exits 2 with one sentence when the folder is not a service.
"""

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import uvicorn

GRACEFUL_SHUTDOWN_S = 5


def module_of(folder: Path) -> tuple[Path, str]:
    """The folder to put on sys.path, and the dotted name of the folder's `app` module.

    Raises `FileNotFoundError` when the folder holds no `app.py`.
    """
    folder = folder.resolve()
    if not (folder / "app.py").is_file():
        raise FileNotFoundError(f"{folder} has no app.py, so it is not a service.")
    root = folder.parent
    names = [folder.name]
    while (root / "__init__.py").is_file():
        names.insert(0, root.name)
        root = root.parent
    return root, ".".join([*names, "app"])


def load(folder: Path) -> Any:
    """The ASGI app of a service folder. Raises `FileNotFoundError`, `AttributeError` when it has none."""
    root, name = module_of(folder)
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    module = importlib.import_module(name)
    if not hasattr(module, "app"):
        raise AttributeError(f"{name} has no `app`.")
    return module.app


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("Usage: python -m switchboard.serve FOLDER", file=sys.stderr)
        return 2
    port = os.environ.get("APP_PORT", "")
    if not port.isdigit():
        print("APP_PORT is not set to a port number.", file=sys.stderr)
        return 2
    try:
        app = load(Path(arguments[0]))
    except (FileNotFoundError, AttributeError) as error:
        print(error, file=sys.stderr)
        return 2
    uvicorn.run(
        app,
        host=os.environ.get("SWITCHBOARD_HOST", "127.0.0.1"),
        port=int(port),
        loop="uvloop",
        access_log=False,
        log_level=os.environ.get("SWITCHBOARD_LOG_LEVEL", "info").lower(),
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
