import os
import stat
from pathlib import Path

import pytest

from switchboard.system.errors import OperatorError
from switchboard.system.runfile import Key, Process, RunFile, load


def a_run(state_dir: Path, pid: int) -> RunFile:
    return RunFile(
        api_url="http://127.0.0.1:8080",
        console_url="http://127.0.0.1:8088",
        gateway_url="http://127.0.0.1:8090",
        otlp_url="http://127.0.0.1:8088",
        keys=[Key(key="k", tenant="aurora", user="C-1", roles=["customer"])],
        processes=[Process(name="billing", kind="app", app_id="billing", pid=1, ports={"app": 8081})],
        redis_host="localhost:6390",
        state_dir=str(state_dir),
        pid=pid,
    )


def test_a_saved_run_file_is_read_back_as_it_was(tmp_path: Path) -> None:
    run = a_run(tmp_path, os.getpid())
    run.save(tmp_path / "run.json")
    assert load(tmp_path) == run
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert stat.S_IMODE((tmp_path / "run.json").stat().st_mode) == 0o600, "it holds keys and secrets"


def test_without_a_run_file_the_reader_is_told_to_start_a_system(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="switchboard up"):
        load(tmp_path)


def test_a_run_file_of_a_process_that_is_gone_does_not_count(tmp_path: Path) -> None:
    a_run(tmp_path, 2**22 - 1).save(tmp_path / "run.json")
    with pytest.raises(OperatorError, match="not running any more"):
        load(tmp_path)


def test_a_broken_run_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(OperatorError, match=r"run\.json cannot be read"):
        load(tmp_path)


def test_a_process_is_found_by_name(tmp_path: Path) -> None:
    run = a_run(tmp_path, os.getpid())
    assert run.process("billing").ports == {"app": 8081}
    with pytest.raises(KeyError):
        run.process("nobody")
