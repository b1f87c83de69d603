"""What every test gets: no way out of this machine, on request one real running system, and a place among the workers.

`make test` runs two passes: everything side by side on two workers, and then, one after the other, what is marked `alone`.
"""

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from switchboard.testing.system import System, app_names, without_model_settings

SHARED = ("system", "fresh")
"""Fixtures that start a whole system: all the tests that use one run on one worker, so that it is started once."""
LOOPBACK = ("127.", "::1", "localhost", "::ffff:127.")
without_model_settings()


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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups tests by the system that they share, else by file, the systems' first: they take longest."""

    def group(item: pytest.Item) -> str:
        fixtures: tuple[str, ...] = getattr(item, "fixturenames", ())
        return next((name for name in SHARED if name in fixtures), str(item.path))

    for item in items:
        item.add_marker(pytest.mark.xdist_group(group(item)))
    rank = {name: position for position, name in enumerate(SHARED)}
    items.sort(key=lambda item: rank.get(group(item), len(rank) + ("unit" in item.path.parts)))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With SWITCHBOARD_NO_SKIPS, a skipped test fails the run: on a machine set up for everything, nothing skips.

    Of several workers the controller decides: it alone has a terminal, and hears of every test.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("SWITCHBOARD_NO_SKIPS") == "1" and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("Skipped tests, and SWITCHBOARD_NO_SKIPS=1 allows none.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
