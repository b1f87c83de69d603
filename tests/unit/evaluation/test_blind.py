"""The verdict of the blind set: what counts as useful, refused, wrong, and as a deed nobody asked for."""

import json
from pathlib import Path

import pytest

from switchboard.contracts.errors import BadConfiguration
from switchboard.contracts.events import Citation
from switchboard.evaluation.blind import BlindCase, BlindTurn, by_group, deeds_of, load_blind, score, totals, verdict
from switchboard.scoring.transcript import ToolUse, Transcript

BLIND = Path(__file__).parents[3] / "evals" / "blind"
ASKED = BlindTurn(say="what is it", facts=[["£61.40"], ["28 November", "28/11"]], reject=["£47.20"])


def said(text: str, *, tools: tuple[str, ...] = (), cites: bool = False, code: str = "") -> Transcript:
    return Transcript(
        message="m",
        text=text,
        code=code,
        tools=[ToolUse(agent="billing", call_id=name, name=name, ok=True) for name in tools],
        citations=[Citation(n=1, title="t", uri="kb://billing/t", span="s")] if cites else [],
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Your bill is £61.40, due on 28 November 2026.", "useful"),
        ("It is £61.40.", "partial"),
        ("It is £61.40, due on 28/11, and £47.20 before.", "wrong"),
        ("Your router is fine.", "wrong"),
        ("I'm sorry, I don't know that: £61.40 28 November.", "refused"),
        ("This is the closest that I have: bills are due after 14 days.", "refused"),
        ("Which bill do you mean?", "refused"),
    ],
)
def test_an_answer_is_worth_what_it_tells(text: str, expected: str) -> None:
    assert verdict(ASKED, said(text)) == expected


def test_words_of_a_refusal_or_an_offer_are_no_facts() -> None:
    turn = BlindTurn(say="m", facts=[["ticket"]])
    assert (
        verdict(turn, said("I'm sorry, I don't know that. Would you like me to open a ticket for this?")) == "refused"
    )
    assert verdict(turn, said("I opened ticket TCK-100081.", tools=("open_ticket",))) == "useful"


def test_what_nothing_answers_is_answered_honestly_or_made_up() -> None:
    turn = BlindTurn(say="m", answerable=False)
    assert verdict(turn, said("I'm sorry, I don't know that.")) == "honest"
    assert verdict(turn, said("Shall I hand this over to a colleague?")) == "honest"
    assert verdict(turn, said("It was 07700 900123.", tools=("get_invoice",))) == "made_up"


def test_a_turn_that_failed_is_no_answer() -> None:
    assert verdict(ASKED, said("", code="unavailable")) == "failed"


def case_of(**turn: object) -> BlindCase:
    return BlindCase.model_validate(
        {
            "id": "x-1", "writer": "x", "user": "ada", "kind": "single", "area": "tech", "difficulty": "short",
            "voice": "student", "lang": "en", "turns": [{"say": "m", **turn}],
        }
    )  # fmt: skip


def test_deeds_are_counted_on_both_sides() -> None:
    deeds = frozenset({"open_ticket", "request_refund"})
    asked = case_of(effects=["open_ticket"], must_effects=["open_ticket"])
    assert score(asked, 0, said("ok", tools=("open_ticket",)), deeds).missing == []
    missed = score(asked, 0, said("Would you like me to open a ticket?"), deeds)
    assert (missed.missing, missed.unasked) == (["open_ticket"], [])
    unasked = score(case_of(), 0, said("done", tools=("open_ticket", "get_ticket")), deeds)
    assert unasked.unasked == ["open_ticket"]
    found = totals([missed, unasked], wanted_deeds=1)
    assert (found.unasked_effects, found.missing_effects.count, found.missing_effects.of) == (1, 1, 1)
    assert by_group([missed], [asked], "voice")["student"].missing_effects.of == 1


def test_a_wrong_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "dev.jsonl"
    file.write_text(case_of().model_dump_json() + "\n" + json.dumps({"id": "x"}) + "\n")
    with pytest.raises(BadConfiguration, match="line 2"):
        load_blind(file)


def test_the_set_is_as_large_and_as_hard_as_it_must_be() -> None:
    dev, test = load_blind(BLIND / "dev.jsonl"), load_blind(BLIND / "test.jsonl")
    every = dev + test
    singles = [case for case in every if case.kind == "single"]
    assert len(singles) >= 400 and len(every) - len(singles) >= 80
    assert sum(case.difficulty in ("long", "two_facts") for case in singles) * 3 >= len(singles)
    assert len({case.voice for case in every}) == 8
    assert not {case.id for case in dev} & {case.id for case in test}
    assert {case.writer for case in test} - {case.writer for case in dev} == {"w3"}
    assert deeds_of(every) == {"open_ticket", "request_refund"}


def test_the_command_is_there_and_keeps_the_test_part_to_itself() -> None:
    from typer.testing import CliRunner

    from switchboard.cli.main import app

    refused = CliRunner().invoke(app, ["eval", "blind", "test", "--verdict", "wrong"])
    assert refused.exit_code == 1
    assert "only totals" in refused.output
