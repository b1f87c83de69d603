"""The Redis server of the embedded default: who may use it, what for, and which one it is."""

import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as client
from redis.exceptions import AuthenticationError, ResponseError

from switchboard.system import redis
from switchboard.system.ports import Ports
from switchboard.system.process import Spawner, stop

PASSWORD = "of-this-run"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder, ports, spawner = tmp_path_factory.mktemp("redis"), Ports(), Spawner()
    taken = ports.take()
    child = redis.server(taken, folder / "a folder", folder / "redis.log", PASSWORD)
    child.start(spawner)
    deadline = time.monotonic() + 20
    while not redis.answers(taken, PASSWORD):
        assert child.exit_code is None and time.monotonic() < deadline, child.tail()
        time.sleep(0.02)
    assert PASSWORD not in " ".join(child.command), "everybody reads a command line"
    assert stat.S_IMODE((folder / "a folder" / redis.CONFIGURATION).stat().st_mode) == 0o600
    yield taken
    stop([child], 2)
    spawner.close()
    ports.release()


def test_who_does_not_know_the_password_is_not_heard(port: int) -> None:
    assert not redis.answers(port)
    assert not redis.answers(port, "guessed")
    with pytest.raises(AuthenticationError), client.Redis(port=port) as stranger:
        stranger.get("anything")


def test_commands_that_nobody_needs_are_off_and_scripts_stay(port: int) -> None:
    with client.Redis(port=port, password=PASSWORD) as known:
        for command in (
            "CONFIG GET dir",
            "FLUSHALL",
            "MODULE LIST",
            "REPLICAOF localhost 1",
            "KEYS *",
            "DEBUG SLEEP 0",
        ):
            with pytest.raises(ResponseError, match="unknown command"):
                known.execute_command(*command.split())
        assert known.eval("return redis.call('SET', KEYS[1], ARGV[1])", 1, "k", "v") == b"OK"
        assert known.get("k") == b"v"


def test_an_installed_server_is_taken_where_it_is_newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert redis.program().is_bundled
    assert "known holes" in redis.program().told
    installed = tmp_path / "redis-server"
    for version, is_taken in (("6.0.16", False), ("7.2.11", True), ("8.0.4", True)):
        installed.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=00000000:0 malloc=libc bits=64'\n")
        installed.chmod(0o755)
        assert redis.program().is_bundled is not is_taken
    assert "known holes" not in redis.program().told
