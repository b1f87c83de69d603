"""Strangers' messages on a fresh system, through the command that people use: totals of the test part, no bar missed."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from switchboard.cli.main import app
from switchboard.evaluation.blind import Share

pytestmark = pytest.mark.timeout(900)
"""The system's start and the whole run are in the first test's time."""


@pytest.fixture(scope="module")
def ended() -> Any:
    return CliRunner().invoke(app, ["eval", "blind", "test", "--start", "--gate"])


@pytest.fixture(scope="module")
def summary(ended: Any) -> dict[str, Any]:
    assert ended.exit_code in (0, 1), f"{ended.output}\n{ended.exception!r}"
    return json.loads(ended.stdout)


def test_no_bar_is_missed(ended: Any, summary: dict[str, Any]) -> None:
    assert ended.exit_code == 0, ended.stderr
    assert summary["all"]["failed"]["count"] == 0


def test_every_turn_was_judged_and_only_totals_are_shown(summary: dict[str, Any]) -> None:
    assert (summary["cases"], summary["turns"]) == (274, 414)
    shown = [group for group in summary if isinstance(summary[group], dict)]
    assert sorted(shown) == ["all", "by_area", "by_difficulty", "long_or_two", "short", "tokens_a_turn"]
    useful = Share.model_validate(summary["all"]["useful"])
    assert useful.interval[0] <= useful.share <= useful.interval[1]
