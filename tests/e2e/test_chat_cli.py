"""`switchboard chat` and `switchboard trace` against the real system, as a person types them."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from switchboard.testing.system import PROJECT, System

QUESTION = "Why is my latest invoice higher than the one before?"
ANSWER_S_MAX = 60
TRACE_S_MAX = 15.0


def switchboard(*arguments: str, state_dir: Path, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Runs the command; `typed` is its standard input."""
    command = [sys.executable, "-m", "switchboard.cli.main", *arguments, "--state-dir", str(state_dir)]
    return subprocess.run(
        command, input=typed, capture_output=True, text=True, timeout=ANSWER_S_MAX, cwd=PROJECT, check=False
    )


@pytest.fixture(scope="module")
def answered(system: System) -> subprocess.CompletedProcess[str]:
    """One question, asked again while the agents have not registered yet."""
    until = time.monotonic() + ANSWER_S_MAX
    while True:
        run = switchboard("chat", QUESTION, state_dir=system.state_dir)
        if "● Billing" in run.stdout or time.monotonic() > until:
            return run
        time.sleep(0.5)


def test_one_question_is_answered_with_its_agent_tool_cost_and_trace(
    answered: subprocess.CompletedProcess[str],
) -> None:
    assert answered.returncode == 0, answered.stderr
    assert "● Billing" in answered.stdout
    assert "explain_invoice" in answered.stdout
    assert "£" in answered.stdout
    assert re.search(r"\$\d\.\d+ · \d+ tokens · trace [0-9a-f]{32}", answered.stdout)


def test_the_trace_is_printed_by_trace_id_and_by_conversation(
    system: System, answered: subprocess.CompletedProcess[str]
) -> None:
    trace_id = re.findall(r"trace ([0-9a-f]{32})", answered.stdout)[-1]
    until = time.monotonic() + TRACE_S_MAX
    while True:
        run = switchboard("trace", trace_id, state_dir=system.state_dir)
        missing = [name for name in ("execute_tool", "supervisor", "billing.dapr", "gateway") if name not in run.stdout]
        if not missing or time.monotonic() > until:
            break
        time.sleep(0.5)
    assert run.returncode == 0, run.stderr
    assert not missing, "each process exports its spans in its own time"


def test_events_come_as_json_lines_and_a_conversation_goes_on(system: System) -> None:
    first = switchboard("chat", "--json", QUESTION, state_dir=system.state_dir)
    events = [json.loads(line) for line in first.stdout.splitlines()]
    assert events[0]["type"] == "turn.started"
    assert events[-1]["type"] == "turn.completed"
    conversation = events[0]["conversation_id"]
    again = switchboard("chat", "--json", "--conversation", conversation, "Thanks", state_dir=system.state_dir)
    assert json.loads(again.stdout.splitlines()[0])["turn_id"] == f"{conversation}.2"


def test_a_conversation_is_typed_line_by_line(system: System) -> None:
    run = switchboard("chat", "--key", "C-10002", state_dir=system.state_dir, typed=f"{QUESTION}\nexit\n")
    assert run.returncode == 0, run.stderr
    assert "You are C-10002 of aurora" in run.stdout
    assert "trace" in run.stdout


def test_a_wrong_key_and_a_strange_conversation_are_told_in_a_sentence(system: System) -> None:
    wrong = switchboard("chat", "--key", "no-such-key", QUESTION, state_dir=system.state_dir)
    assert wrong.returncode == 1
    assert "valid API key" in wrong.stdout + wrong.stderr
    strange = switchboard("chat", "--conversation", "nowhere", QUESTION, state_dir=system.state_dir)
    assert strange.returncode == 1
    assert "no conversation nowhere" in strange.stdout + strange.stderr


def test_where_nothing_runs_both_say_so_and_exit_with_1(tmp_path: Path) -> None:
    for command in ("chat", "trace"):
        run = switchboard(command, "anything", state_dir=tmp_path)
        assert run.returncode == 1
        assert "switchboard up" in run.stderr
        assert "Traceback" not in run.stderr


def test_a_trace_is_read_from_the_file_when_nothing_runs(
    system: System, answered: subprocess.CompletedProcess[str], tmp_path: Path
) -> None:
    shutil.copytree(system.state_dir / "data", tmp_path / "data")
    trace_id = re.findall(r"trace ([0-9a-f]{32})", answered.stdout)[-1]
    run = switchboard("trace", trace_id, state_dir=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "supervisor" in run.stdout
