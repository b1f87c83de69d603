"""The whole golden set on one running system, through the command that people use: no metric below its bar."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from switchboard.cli.main import app
from switchboard.evaluation.golden.results import load_results
from switchboard.evaluation.golden.suite import load_cases
from switchboard.testing.system import System

pytestmark = pytest.mark.timeout(600)
"""The system's start and the whole run are in the first test's time; on an idle machine both take about a minute."""


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tmp_path_factory.mktemp("evals"))


@pytest.fixture(scope="module")
def summary(fresh: System, out: Path) -> dict[str, Any]:
    """What `switchboard eval run --gate` said of the fresh system."""
    arguments = [
        "eval",
        "run",
        "--gate",
        "--judge",
        "off",
        "--state-dir",
        str(fresh.run_path.parent),
        "--out",
        str(out),
    ]
    ended = CliRunner().invoke(app, arguments)
    assert ended.exit_code in (0, 1), f"{ended.output}\n{ended.exception!r}"
    return json.loads(ended.stdout)


def test_the_golden_set_passes_the_gate(summary: dict[str, Any]) -> None:
    failing = "\n".join(summary["failing"])
    assert summary["gate"]["passed"], f"{summary['gate']['failures']}\nfailing cases:\n{failing}"
    assert summary["cases"] >= 120


def test_every_evaluator_had_something_to_judge(summary: dict[str, Any]) -> None:
    least = {"answered": 120, "routing": 100, "tool_correctness": 100, "required_facts": 80, "groundedness": 80,
             "citation_precision": 40, "citation_recall": 40, "relevance": 80, "refusal": 100, "safety": 120}  # fmt: skip
    for metric, n in least.items():
        assert summary["metrics"][metric]["n"] >= n, metric


def test_the_results_hold_every_case_with_its_transcript(summary: dict[str, Any]) -> None:
    results = load_results(Path(summary["results"]))
    assert {case.id for case in results.cases} == {
        case.id for case in load_cases(Path("evals/golden")) if not case.draft
    }
    assert all(case.transcript and re.fullmatch(r"[0-9a-f]{32}", case.transcript.trace_id) for case in results.cases)


def test_the_report_shows_the_failing_cases(summary: dict[str, Any]) -> None:
    report = Path(summary["report"]).read_text()
    for case_id in summary["failing"]:
        assert case_id in report
    assert "<script" not in report


def test_a_run_differs_in_nothing_from_itself(summary: dict[str, Any]) -> None:
    ended = CliRunner().invoke(app, ["eval", "diff", summary["results"], summary["results"]])
    assert ended.exit_code == 0, ended.output
    compared = json.loads(ended.stdout)
    assert (compared["won"], compared["lost"]) == ([], [])
    assert all(change["difference"] == 0 and not change["significant"] for change in compared["metrics"].values())


def test_a_bar_that_is_not_reached_fails_the_command(fresh: System, out: Path, tmp_path: Path) -> None:
    bars = tmp_path / "bars.yaml"
    bars.write_text("metrics: {required_facts: 1.0}\n")
    golden = tmp_path / "mine.yaml"
    golden.write_text(
        "suite: mine\ncases:\n  - {id: impossible, user: aurora/C-10001, say: "
        '"How much is my latest bill?", facts: ["£0.01"]}\n'
    )
    arguments = ["eval", "run", str(golden), "--gate", "--bars", str(bars), "--out", str(out)]
    arguments += ["--state-dir", str(fresh.run_path.parent), "--baseline", str(tmp_path / "none.json")]
    ended = CliRunner().invoke(app, arguments)
    assert ended.exit_code == 1
    assert json.loads(ended.stdout)["gate"]["failures"] == ["required_facts is 0.000, below its bar of 1.000."]
