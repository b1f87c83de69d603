"""Runs one service folder: `python -m switchboard.serve services/billing`.

Imports `<package>.app` of the folder (which may lie anywhere on disk, so an agent team's own folder works too) and
serves its `app` on SWITCHBOARD_HOST:APP_PORT. Exits 2 with one sentence when the folder is not a service, when its
card, its articles or its settings are not right, or when a secret is missing outside a demo.
"""

import ctypes
import gc
import importlib
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvicorn

from switchboard.contracts import demo
from switchboard.contracts.errors import BadConfiguration
from switchboard.serving.bounds import FRAME_BYTES_MAX
from switchboard.serving.writes import JoinedWritesProtocol

GRACEFUL_SHUTDOWN_S = 5
KEEP_ALIVE_S = 120
"""Longer than any client keeps an idle connection (Go's transport: 90): who closes first may meet a request on its way."""
GC_ALLOCATIONS = 5_000
SERVER: dict[str, Any] = {
    "loop": "uvloop",
    "http": JoinedWritesProtocol,
    "access_log": False,
    "timeout_graceful_shutdown": GRACEFUL_SHUTDOWN_S,
    "timeout_keep_alive": KEEP_ALIVE_S,
    "ws_max_size": FRAME_BYTES_MAX,
    "server_header": False,
}
"""uvicorn's settings, the same for every service."""
M_ARENA_MAX = -8
"""Of mallopt(3), by glibc's malloc.h."""
ARENAS_MAX = 1


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


def limit_arenas() -> None:
    """Lets all threads of this process share one heap of glibc: each keeps in its own what one batch once took (50 MiB).

    They hardly meet there: Python's own allocator takes what is small, and one thread at a time runs Python.
    """
    with suppress(AttributeError, OSError):  # another C library has no such heaps
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS_MAX)


def settle_memory() -> None:
    """Takes what the start made out of the collector's sight: a full collection of it costs tens of milliseconds a time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS, 20, 20)


class Served:
    """An app whose start may fail with `BadConfiguration`, which is the operator's to read and no traceback's matter."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.refusal: BadConfiguration | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        failed: dict[str, Any] | None = None

        async def hold_failure(message: dict[str, Any]) -> None:
            nonlocal failed
            if message["type"] == "lifespan.startup.failed":
                failed = message  # its text is a traceback; whether that is wanted shows the exception that follows
            else:
                if message["type"] == "lifespan.startup.complete":
                    settle_memory()
                await send(message)

        try:
            await self._app(scope, receive, hold_failure)
        except BadConfiguration as error:
            self.refusal = error
            await send({"type": "lifespan.startup.failed"})
        except BaseException:
            if failed is not None:
                await send(failed)
            raise


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("Usage: python -m switchboard.serve FOLDER", file=sys.stderr)
        return 2
    port = os.environ.get("APP_PORT", "")
    if not port.isdigit():
        print("APP_PORT is not set to a port number.", file=sys.stderr)
        return 2
    # One query's products are small: more threads make them no faster, and far slower where cores are shared.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    limit_arenas()
    try:
        demo.check_secrets(os.environ)
        app = load(Path(arguments[0]))
    except BadConfiguration as error:
        print(error.message, file=sys.stderr)
        return 2
    except (FileNotFoundError, AttributeError) as error:
        print(error, file=sys.stderr)
        return 2
    served = Served(app)
    logging.getLogger("uvicorn.error").addFilter(lambda _: served.refusal is None)
    try:
        _run(served, int(port))
    except SystemExit:
        if served.refusal is None:
            raise
    if served.refusal is not None:
        print(served.refusal.message, file=sys.stderr)
        return 2
    return 0


def _run(app: Served, port: int) -> None:
    host = os.environ.get("SWITCHBOARD_HOST", "127.0.0.1")
    log_level = os.environ.get("SWITCHBOARD_LOG_LEVEL", "info").lower()
    uvicorn.run(app, host=host, port=port, log_level=log_level, **SERVER)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
