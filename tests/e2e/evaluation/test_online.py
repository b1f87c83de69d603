"""Real turns: sampled scores and thumbs on the trace, into golden cases, into the comparison of an experiment."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from switchboard.cli.main import app
from switchboard.evaluation.golden.suite import load_cases
from switchboard.experiments.sampling import sampled
from switchboard.testing.system import System
from tests.e2e.evaluation.conftest import SHARE

pytestmark = pytest.mark.timeout(300)

ADA, CLEO = "demo-aurora-ada", "demo-borealis-cleo"
TURNS_MAX = 25
"""The chance that none of so many is in a sample of a half is one in thirty million."""
WAIT_S_MAX = 30.0

Turn = dict[str, Any]


def headers(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def ask(system: System, message: str, key: str = ADA, conversation: str | None = None) -> Turn:
    body = {"message": message} | ({"conversation_id": conversation} if conversation else {})
    answer = httpx.post(f"{system.url('supervisor')}/v1/chat", json=body, headers=headers(key), timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def rate(system: System, turn: Turn, rating: str, comment: str = "", key: str = ADA) -> httpx.Response:
    body = {
        "turn_id": turn["turn_id"],
        "conversation_id": turn["conversation_id"],
        "rating": rating,
        "comment": comment,
    }
    return httpx.post(f"{system.url('supervisor')}/v1/feedback", json=body, headers=headers(key), timeout=20)


def span_of(system: System, turn: Turn, name: str, key: str = ADA) -> dict[str, Any]:
    """The named span in the turn's one trace, once the console has it."""
    until = time.monotonic() + WAIT_S_MAX
    found: list[dict[str, Any]] = []
    while time.monotonic() < until:
        answer = httpx.get(f"{system.url('console')}/api/traces/{turn['trace_id']}", headers=headers(key))
        if answer.status_code == 200:
            spans = answer.json()["spans"]
            found = [span for span in spans if span["name"] == name]
            if found and not found[0]["orphan"]:
                return found[0]
        time.sleep(0.3)
    pytest.fail(f"The trace has no whole span {name}: {found}")


def asked_until(system: System, right: Callable[[Turn], bool], key: str = ADA) -> Turn:
    for _ in range(TURNS_MAX):
        turn = ask(system, "How much is my latest bill?", key)
        if right(turn):
            return turn
    pytest.fail("No turn was in the sample.")


def test_a_sampled_turn_is_evaluated_on_its_own_trace(fresh: System) -> None:
    turn = asked_until(fresh, lambda turn: sampled(turn["turn_id"], SHARE))
    span = span_of(fresh, turn, "evaluation")
    assert span["service"] == "supervisor"
    assert span["attributes"]["gen_ai.evaluation.groundedness.score.value"] == 1.0
    assert span["attributes"]["gen_ai.evaluation.safety.score.label"] == "pass"
    assert span["attributes"]["turn.id"] == turn["turn_id"]


def test_a_thumb_without_its_comment_stands_on_the_trace_and_only_its_user_gives_it(fresh: System) -> None:
    turn = ask(fresh, "How much is my latest bill?")
    assert rate(fresh, turn, "up", key="demo-aurora-ben").status_code == 404
    assert rate(fresh, turn, "up", key=CLEO).status_code == 404
    assert rate(fresh, turn, "down", "That is not my bill").status_code == 200
    span = span_of(fresh, turn, "feedback")
    assert span["attributes"]["gen_ai.evaluation.score.label"] == "down"
    assert "That is not my bill" not in str(span)


def test_a_liked_turn_becomes_a_golden_case_that_passes(fresh: System, tmp_path: Path) -> None:
    first = ask(fresh, "Show me my invoice for October")
    turn = ask(fresh, "What about September?", conversation=first["conversation_id"])
    rate(fresh, turn, "up", "quick")
    to = tmp_path / "golden" / "mine.yaml"
    state = ["--state-dir", str(fresh.run_path.parent)]
    ended = CliRunner().invoke(app, ["eval", "add-from", turn["turn_id"], "--to", str(to), *state])
    assert ended.exit_code == 0, ended.output
    (case,) = load_cases(to)
    assert case.before == ["Show me my invoice for October"]
    assert (case.user, case.route, case.draft) == ("aurora/C-10001", turn["agents"], False)
    assert case.facts
    again = CliRunner().invoke(app, ["eval", "add-from", turn["turn_id"], "--to", str(to), *state])
    assert again.exit_code == 1, "one case a turn"
    ran = CliRunner().invoke(
        app,
        ["eval", "run", str(to), "--judge", "off", "--baseline", str(tmp_path / "no"), "--out", str(tmp_path), *state],
    )
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["failing"] == []


def test_a_turn_nobody_has_is_told_in_a_sentence(fresh: System, tmp_path: Path) -> None:
    arguments = ["--to", str(tmp_path / "x.yaml"), "--state-dir", str(fresh.run_path.parent)]
    for turn in ("nothing", "nothing.1"):
        ended = CliRunner().invoke(app, ["eval", "add-from", turn, *arguments])
        assert ended.exit_code == 1
        assert ended.stdout == ""
    assert not (tmp_path / "x.yaml").exists()


def test_the_variant_is_on_every_span_of_the_turn_and_eval_ab_compares(fresh: System) -> None:
    for key in (ADA, CLEO):
        turn = ask(fresh, "Why is my bill higher than last month?", key)
        rate(fresh, turn, "up", key=key)
        span_of(fresh, turn, "feedback", key)
        trace = httpx.get(f"{fresh.url('console')}/api/traces/{turn['trace_id']}", headers=headers(key)).json()
        ours = [span for span in trace["spans"] if span["service"] in ("supervisor", "billing", "gateway")]
        labels = {span["attributes"].get("experiment.variant") for span in ours}
        assert len(labels) == 1, labels
        assert labels <= {"brief-words=control", "brief-words=brief"}
    ended = CliRunner().invoke(app, ["eval", "ab", "brief-words", "--state-dir", str(fresh.run_path.parent)])
    assert ended.exit_code == 0, ended.output
    compared = json.loads(ended.stdout)
    assert (compared["experiment"], compared["control"]) == ("brief-words", "control")
    assert [each["name"] for each in compared["variants"]] == ["brief"]


def test_an_unknown_experiment_is_told_in_a_sentence(fresh: System) -> None:
    ended = CliRunner().invoke(app, ["eval", "ab", "nothing", "--state-dir", str(fresh.run_path.parent)])
    assert ended.exit_code == 1
    assert "There is no such experiment." in " ".join(ended.stderr.split())


def test_the_exported_file_is_plain_yaml(fresh: System, tmp_path: Path) -> None:
    turn = ask(fresh, "Hello!")
    to = tmp_path / "mine.yaml"
    ended = CliRunner().invoke(
        app, ["eval", "add-from", turn["turn_id"], "--to", str(to), "--state-dir", str(fresh.run_path.parent)]
    )
    assert ended.exit_code == 0, ended.output
    (case,) = yaml.safe_load(to.read_text())["cases"]
    assert (case["say"], case["draft"]) == ("Hello!", True)
