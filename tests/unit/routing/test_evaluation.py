"""`switchboard eval routing` and `switchboard route`, on files of anybody."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from switchboard.cli.main import app
from switchboard.evaluation.routing.classifier import macro_f1

TRAIN = [
    *((f"{verb} my {thing}", "renew") for verb in ("renew", "extend", "prolong") for thing in ("book", "loan", "card")),
    *(
        (f"when do you {verb} {day}", "hours")
        for verb in ("open", "close")
        for day in ("today", "on Sunday", "at noon")
    ),
]
TEST = [("please renew the loan", "renew"), ("do you open on Monday", "hours")]
runner = CliRunner()


def table(path: Path, rows: list[tuple[str, str]], names: tuple[str, str] = ("text", "category")) -> str:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    return str(path)


def test_anybodys_files_are_measured(tmp_path: Path) -> None:
    train, test = table(tmp_path / "train.csv", TRAIN), table(tmp_path / "test.csv", TEST)
    outside = table(tmp_path / "oos.csv", [("the derivative of a cubic", "whatever"), ("my knee hurts", "")])
    result = runner.invoke(app, ["eval", "routing", "--train", train, "--test", test, "--out-of-scope", outside])

    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["accuracy"] == 1.0
    assert figures["macro_f1"] == 1.0
    assert figures["out_of_scope_recall"] == 1.0
    assert figures["decision_ms_p50"] > 0
    assert 0 <= figures["acceptance"] <= 1


def test_without_out_of_scope_texts_its_recall_is_null(tmp_path: Path) -> None:
    train, test = table(tmp_path / "train.csv", TRAIN), table(tmp_path / "test.csv", TEST)
    result = runner.invoke(app, ["eval", "routing", "--train", train, "--test", test])

    assert json.loads(result.stdout)["out_of_scope_recall"] is None


@pytest.mark.parametrize("wrong", ["no-file", "no-column", "empty"])
def test_a_file_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "train.csv"
    if wrong == "no-column":
        table(path, TRAIN, names=("utterance", "category"))
    elif wrong == "empty":
        table(path, [])
    result = runner.invoke(app, ["eval", "routing", "--train", str(path), "--test", table(tmp_path / "t.csv", TEST)])

    assert result.exit_code == 1
    assert result.stdout == ""
    assert "train.csv" in result.stderr


def test_macro_f1_weighs_categories_alike() -> None:
    assert macro_f1(["a", "a", "a", "b"], ["a", "a", "a", "a"]) == pytest.approx((6 / 7 + 0) / 2, abs=1e-4)
    assert macro_f1([], []) is None


def test_a_decision_is_explained_with_scores_thresholds_and_cost() -> None:
    result = runner.invoke(app, ["route", "--local", "I was charged twice and my router blinks red"])

    assert result.exit_code == 0, result.output
    for word in ("billing", "tech", "probability", "familiarity", "decided by", " ms"):
        assert word in result.stdout


def test_an_agent_that_is_not_there_is_told() -> None:
    result = runner.invoke(app, ["route", "--local", "--after", "nobody", "and then?"])

    assert result.exit_code == 1
    assert "nobody" in result.stderr
