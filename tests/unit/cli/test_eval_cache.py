"""`switchboard eval cache` on a small file: JSON on standard output, and sentences for what is wrong."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evals.cache import near_misses
from switchboard.cli.main import app

ROWS = [
    ("How do I reset my password?", "password"),
    ("How can I reset my password?", "password"),
    ("How much does the 5 GB data plan cost?", "5"),
    ("How much does the 25 GB data plan cost?", "25"),
]


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    path = tmp_path / "stream.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "category"), *ROWS])
    return path


def test_the_figures_are_json_with_intervals(stream: Path):
    result = CliRunner().invoke(app, ["eval", "cache", "--stream", str(stream), "--compare", "--false-hits", "5"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert (figures["rows"], figures["hits"], figures["false_hits"]) == (4, 1, 0)
    assert figures["hit_rate"] == 0.25 and figures["false_share_of_hits"] == 0.0
    assert figures["hit_rate_ci95"][0] < 0.25 < figures["hit_rate_ci95"][1]
    assert figures["decisions"]["guard:numbers"] == 1
    assert {"without_agreement", "plain_cosine_0.92"} <= figures.keys()


@pytest.mark.parametrize("content", ["question,label\nHi,greeting\n", "text,category\n", ""])
def test_a_file_that_cannot_be_replayed_is_a_sentence(tmp_path: Path, content: str):
    path = tmp_path / "bad.csv"
    path.write_text(content)
    result = CliRunner().invoke(app, ["eval", "cache", "--stream", str(path)])
    assert result.exit_code == 1
    assert result.stdout == "" and str(path) in result.stderr.replace("\n", "")


def test_no_near_miss_is_a_hit_and_at_most_a_tenth_of_the_true_pairs_is_refused():
    result = CliRunner().invoke(app, ["eval", "cache", "--stream", str(near_misses.TARGET)])
    figures = json.loads(result.stdout)
    pairs = figures["rows"] - figures["categories"]
    assert figures["false_hits"] == 0
    assert figures["hits"] >= 0.9 * pairs


def test_the_published_near_misses_are_what_the_templates_make():
    with near_misses.TARGET.open(encoding="utf-8", newline="") as file:
        assert [tuple(row) for row in csv.reader(file)][1:] == list(near_misses.rows())
