"""What every test gets: no way out of this machine, on request one real running system, and a place among the workers.

`make test` runs two passes: everything side by side on two workers, and then, one after the other, what is marked `alone`.
"""

import ast
import functools
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from switchboard.testing.system import System, app_names, without_model_settings

ROOT = Path(__file__).parents[1]
SHARED = ("fresh", "system")
"""Fixtures that start a whole system."""
LOOPBACK = ("127.", "::1", "localhost", "::ffff:127.")
without_model_settings()
os.environ["SWITCHBOARD_DEMO"] = "1"  # the demo company's keys are the tests'


class OutsideWorld(AssertionError):
    """A test tried to leave the loopback interface."""


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """Makes every connection of this process to anything but loopback fail."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def check(address: Any) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
            raise OutsideWorld(f"A test tried to connect to {address[0]}:{address[1]}; tests stay on loopback.")

    def guarded(self: socket.socket, address: Any) -> None:
        check(address)
        connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:
        check(address)
        return connect_ex(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        patch.setattr(socket.socket, "connect_ex", guarded_ex)
        yield


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """The whole system with the embedded model. Tests that stop parts of it start their own `System`."""
    running = System(apps=app_names())
    running.start()
    yield running
    running.stop()


class SharedSystemScheduling(LoadScopeScheduling):
    """A file's tests run on one worker, and those of all files that share a running system too: it is started once."""

    def _split_scope(self, nodeid: str) -> str:
        return shared_by(nodeid.partition("::")[0])


@functools.cache
def shared_by(file: str) -> str:
    """The fixture of `SHARED` that a test file's tests and fixtures use, else the file itself."""
    if not file.startswith("tests/e2e/"):
        return file
    functions = [node for node in ast.walk(ast.parse((ROOT / file).read_text())) if isinstance(node, ast.FunctionDef)]
    asking = [each for each in functions if each.name.startswith("test_") or each.decorator_list]
    used = {argument.arg for each in asking for argument in each.args.args}
    return next((name for name in SHARED if name in used), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return SharedSystemScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The shared systems' tests first, they take longest, and unit tests last; otherwise as collected."""

    def rank(item: pytest.Item) -> int:
        used = shared_by(item.nodeid.partition("::")[0])
        return SHARED.index(used) if used in SHARED else len(SHARED) + ("unit" in item.path.parts)

    items.sort(key=rank)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With SWITCHBOARD_NO_SKIPS, a skipped test fails the run: on a machine set up for everything, nothing skips.

    Of several workers the controller decides: it alone has a terminal, and hears of every test.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("SWITCHBOARD_NO_SKIPS") == "1" and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("Skipped tests, and SWITCHBOARD_NO_SKIPS=1 allows none.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
