"""A right value beside the wrong thing is a fault; where nothing tells whose it is, it is none."""

import pytest

from switchboard.agent.grounding.evidence import Evidence
from tests.unit.agent.grounding.evidence_of import TODAY, evidence_of, faults

PRICES = """\
| Ticket | Price | Validity |
|---|---|---|
| Zone Blue | £3.00 | 20 hours |
| Zone Green 2 | £5.00 | 40 hours |
| Zone Green | £4.00 | 30 hours |
"""
SIDEWAYS = """\
| | Bike One | Bike Two |
|---|---|---|
| Weight | 12 kg | 15 kg |
| Range | 60 km | 90 km |
"""


def of_article(text: str) -> Evidence:
    evidence = Evidence(TODAY)
    evidence.add_text(text)
    evidence.add_items(text)
    return evidence


@pytest.mark.parametrize(
    ("article", "sentence"),
    [
        (PRICES, "Zone Blue costs £5.00."),
        (PRICES, "The ticket for Zone Green 2 costs £4.00."),
        (PRICES, "A Zone Green ticket is valid for 40 hours."),
        (SIDEWAYS, "Your Bike Two weighs 12 kg."),
        ("The day pass for Europe is £2.30 and the day pass for Asia is £6.00.", "In Asia you pay £2.30 a day."),
    ],
)
def test_the_value_of_another_thing_is_a_fault(article: str, sentence: str) -> None:
    assert len(faults(sentence, of_article(article))) == 1


@pytest.mark.parametrize(
    ("article", "sentence"),
    [
        (PRICES, "Zone Blue costs £3.00."),
        (PRICES, "The ticket for Zone Green 2 costs £5.00."),
        (PRICES, "The cheapest one is £3.00."),
        (PRICES, "Instead of Zone Blue you would pay £5.00."),
        (PRICES, "Zone Blue is £3.00 and the twin ticket £5.00."),
        (SIDEWAYS, "Bike Two has 90 km, yours (the Bike One) 60 km."),
        ("Roaming £9.20; Data £6.00; total of the October bill £15.20.", "On your October bill data was £6.00."),
    ],
)
def test_a_value_that_may_be_right_is_none(article: str, sentence: str) -> None:
    assert faults(sentence, of_article(article)) == []


def test_what_stands_in_parentheses_behind_an_id_is_of_it() -> None:
    evidence = evidence_of("Paid twice: by PAY-100001 (£4.00, 2026-10-28) and by PAY-100002 (£4.00, 2026-10-30).")
    assert faults("PAY-100002 was made on 30 October.", evidence) == []
    assert [fault.kind for fault in faults("PAY-100002 was made on 28 October.", evidence)] == ["date"]


def test_each_sentence_of_a_tools_text_is_a_thing() -> None:
    evidence = evidence_of("Lines: L-1 mobile 07700 900150, £3.00. L-2 landline 01632 960450, £4.00.")
    assert faults("Line L-2 has the number 01632 960450.", evidence) == []
    assert [fault.kind for fault in faults("Line L-1 has the number 01632 960450.", evidence)] == ["phone"]


def test_what_the_user_says_belongs_to_anything() -> None:
    evidence = of_article(PRICES)
    evidence.add_free(evidence.add_text("I paid £5.00 for Zone Blue"))
    assert faults("You paid £5.00 for Zone Blue.", evidence) == []
