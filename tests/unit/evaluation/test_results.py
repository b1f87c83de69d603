"""Runs compared, gated, reported, exported."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from switchboard.contracts.errors import BadConfiguration
from switchboard.contracts.events import TurnCompleted, Usage
from switchboard.evaluation.ab_test import ab_result
from switchboard.evaluation.golden.difference import difference
from switchboard.evaluation.golden.export import PastTurn, case_of, yaml_of
from switchboard.evaluation.golden.gate import Bars, load_bars, verdict
from switchboard.evaluation.golden.report import html_of
from switchboard.evaluation.golden.results import (
    CaseResult,
    Results,
    case_result,
    figures_of,
    load_results,
    tokens_of,
)
from switchboard.evaluation.golden.suite import load_cases
from switchboard.evaluation.judges import score_of
from switchboard.experiments.tally import ExperimentScores, Tally
from switchboard.scoring.evaluators import Score
from switchboard.scoring.transcript import Transcript, transcript_of


def case(n: int, right: bool, relevance: float = 0.9) -> CaseResult:
    reason = "" if right else "answered by <b>tech</b> instead of billing"
    scores = [
        Score(metric="routing", value=float(right), passed=right, reason=reason),
        Score(metric="relevance", value=relevance, passed=relevance >= 0.5),
        Score(metric="judge_relevance", value=0.0, passed=False, reason="a judge's opinion"),
    ]
    turn = Transcript(message=f"question {n} <script>", text="an answer", trace_id="abc")
    return case_result(f"case-{n}", ["t"], scores, turn)


def run(*right: bool, relevance: float = 0.9) -> Results:
    cases = [case(n, each, relevance) for n, each in enumerate(right)]
    return Results(
        suite="golden", started_at=datetime(2026, 11, 15, tzinfo=UTC), metrics=figures_of(cases), cases=cases
    )


def test_a_judges_opinion_fails_no_case() -> None:
    assert run(True).cases[0].passed


def test_figures_are_means_with_intervals_over_the_cases_they_apply_to() -> None:
    figures = run(*[True] * 8, *[False] * 2).metrics
    assert figures["routing"].mean == 0.8
    assert figures["routing"].low < 0.8 < figures["routing"].high
    assert (figures["passed"].passed, figures["passed"].n) == (8, 10)


def test_one_lost_case_is_no_significant_drop_and_eight_are() -> None:
    before = run(*[True] * 60)
    one = difference(before, run(*[True] * 59, False))
    assert one.lost == ["case-59"]
    assert one.drops == []
    eight = difference(before, run(*[True] * 52, *[False] * 8))
    assert set(eight.drops) == {"routing", "passed"}
    change = eight.metrics["routing"]
    assert change.test == "McNemar, exact"
    assert change.low < change.difference < change.high < 0


def test_a_metric_of_degrees_is_tested_by_permutation() -> None:
    compared = difference(run(*[True] * 30, relevance=0.9), run(*[True] * 30, relevance=0.6))
    assert compared.metrics["relevance"].test == "sign-flip permutation"
    assert compared.drops == ["relevance"]


def test_only_shared_cases_are_compared() -> None:
    compared = difference(run(True, True), run(True, True, False))
    assert compared.only_after == ["case-2"]
    assert compared.metrics["routing"].n == 2


def test_the_gate_names_every_reason() -> None:
    bars = Bars(metrics={"routing": 0.95, "groundedness": 0.9})
    decided = verdict(run(*[True] * 50, *[False] * 10), bars, run(*[True] * 60))
    assert not decided.passed
    told = "\n".join(decided.failures)
    assert "routing is 0.833, below its bar of 0.950." in told
    assert "groundedness was not measured" in told
    assert "routing dropped from 1.000 to 0.833 on the same 60 cases" in told


def test_the_gate_lets_pass_what_is_good_enough() -> None:
    assert verdict(run(*[True] * 59, False), Bars(metrics={"routing": 0.95}), run(*[True] * 60)).passed


def test_a_baseline_holds_the_scores_without_anybodys_words(tmp_path: Path) -> None:
    results = run(True, False)
    path = tmp_path / "baseline.json"
    path.write_text(results.baseline())
    assert "question" not in path.read_text()
    again = load_results(path)
    assert again.values("routing") == results.values("routing")
    assert again.values("passed") == results.values("passed")


def test_files_that_are_something_else_are_told(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{}")
    with pytest.raises(BadConfiguration, match="does not hold the results"):
        load_results(path)
    with pytest.raises(BadConfiguration, match="cannot be read"):
        load_bars(tmp_path / "none.yaml")


def test_the_report_shows_failing_transcripts_first_and_escapes_what_was_said() -> None:
    results = run(True, False)
    html = html_of(results, verdict(results, Bars(metrics={"routing": 1.0}), None), difference(results, results))
    assert html.index("case-1") < html.index("case-0")
    assert "question 1 &lt;script&gt;" in html
    assert "<script" not in html
    assert "answered by &lt;b&gt;tech&lt;/b&gt; instead of billing" in html
    assert "The gate is not passed." in html
    assert "http" not in html.replace("http-equiv", ""), "it loads nothing"


def scores(control: list[tuple[int, int]], variant: list[tuple[int, int]]) -> ExperimentScores:
    """Thumbs (up, down) of each tenant."""

    def tallies(name: str, thumbs: list[tuple[int, int]]) -> list[Tally]:
        return [
            Tally(experiment="x", variant=name, tenant=f"{name}{n}", up=up, down=down).with_scores({"relevance": 0.5})
            for n, (up, down) in enumerate(thumbs)
        ]

    return ExperimentScores(
        name="x",
        active=True,
        variants=["control", "warm"],
        tallies=tallies("control", control) + tallies("warm", variant),
    )


def test_many_tenants_are_compared_tenant_by_tenant() -> None:
    compared = ab_result(scores([(5, 5)] * 12, [(9, 1)] * 12))
    effect = compared.variants[0].metrics["thumbs_up"]
    assert (effect.by, effect.significant) == ("tenants", True)
    assert effect.difference == pytest.approx(0.4)
    assert effect.low <= 0.4 <= effect.high
    assert compared.note == ""


def test_few_tenants_are_compared_turn_by_turn_and_said_so() -> None:
    compared = ab_result(scores([(5, 5)], [(6, 4)]))
    effect = compared.variants[0].metrics["thumbs_up"]
    assert (effect.by, effect.significant) == ("turns", False)
    assert effect.low < 0 < effect.high
    assert "Fewer than 5 tenants" in compared.note


def test_a_side_without_scores_is_not_compared() -> None:
    assert ab_result(scores([(1, 0)], [])).variants[0].metrics == {}


def test_a_changed_mind_counts_once() -> None:
    tally = Tally(experiment="x", variant="a", tenant="t").with_rating("up").with_rating("down", "up")
    assert (tally.up, tally.down) == (0, 1)


def past(rating: str | None) -> PastTurn:
    citation = {"n": 1, "title": "t", "uri": "kb://billing/refunds#1-2", "span": "s"}
    return PastTurn.model_validate(
        {
            "turn_id": "Ab_c-9.2",
            "message": "And the refund?",
            "text": "Your refund REF-500001 of £47.20 arrives within 5 working days. [1]",
            "agents": ["billing"],
            "tools": ["refund_status", "refund_status", "search_knowledge"],
            "citations": [citation],
            "rating": {"rating": rating, "comment": "spot on: thanks"} if rating else None,
        }
    )


def test_a_liked_turn_becomes_a_whole_case(tmp_path: Path) -> None:
    first = PastTurn(turn_id="Ab_c-9.1", message="I was charged twice")
    made = case_of([first, past("up")], user="aurora/C-10001")
    assert made.id == "turn-ab-c-9-2"
    assert (made.before, made.route, made.cites) == (["I was charged twice"], ["billing"], ["refunds"])
    assert made.tools == ["refund_status", "search_knowledge"]
    assert made.facts == ["£47.20"], "a number of the customer's is no fact of a case"
    assert (made.draft, made.refuse) == (False, False)
    path = tmp_path / "mine.yaml"
    path.write_text("suite: mine\ncases:\n" + yaml_of(made))
    (read,) = load_cases(path)
    assert read.model_copy(update={"tags": []}) == made


def test_personal_data_does_not_get_into_a_case() -> None:
    said = past("up").model_copy(update={"message": "I'm Maria Lopez, C-10001, 07700 900123: and the refund?"})
    made = case_of([said], user="aurora/C-10001")
    assert made.say == "I'm [name], [id], [number]: and the refund?"
    assert made.draft, "a person puts made-up data there"
    assert "REF-500001" not in yaml_of(made)


@pytest.mark.parametrize("rating", ["down", None])
def test_a_turn_that_nobody_liked_becomes_a_draft_that_expects_nothing(rating: str | None) -> None:
    made = case_of([past(rating)], user="aurora/C-10001")
    assert made.draft
    assert (made.facts, made.route, made.tools) == ([], None, None)
    assert "£47.20" in made.note


@pytest.mark.parametrize(
    ("found", "value"),
    [({"relevance": 5.0}, 1.0), ({"relevance": 1}, 0.0), ({"relevance": 3}, 0.5)],
)
def test_a_judges_five_grades_become_a_score(found: dict[str, float], value: float) -> None:
    score = score_of("judge_relevance", "relevance", found)
    assert score is not None
    assert (score.value, score.passed) == (value, value >= 0.5)


@pytest.mark.parametrize("found", [{}, {"relevance": float("nan")}, {"relevance": None}, {"relevance": 9}])
def test_a_judge_that_gives_no_grade_gives_no_score(found: dict[str, float]) -> None:
    assert score_of("judge_relevance", "relevance", found) is None


def test_tokens_a_turn_are_means_over_the_turns_that_asked_a_model() -> None:
    tokens = tokens_of([(100, 10), (0, 0), (300, 20)])
    assert tokens is not None
    assert (tokens.prompt, tokens.completion, tokens.turns) == (200.0, 15.0, 2)
    assert tokens_of([(0, 0)]) is tokens_of([]) is None
    assert "reads 200 tokens and writes 15" in html_of(run(True).model_copy(update={"tokens_a_turn": tokens}))


def test_a_transcript_has_the_turns_tokens() -> None:
    usage = Usage(prompt_tokens=7, completion_tokens=3, model_calls=1)
    made = transcript_of("m", [TurnCompleted(text="t", agents=["billing"], usage=usage)])
    assert (made.prompt_tokens, made.completion_tokens) == (7, 3)
