"""What an answer claims to be done was done; what it grants is granted somewhere."""

import pytest

from switchboard.agent.grounding.deeds import told_deeds
from switchboard.text.languages import Language
from tests.unit.agent.grounding.evidence_of import evidence_of, faults

NOTHING_DONE = evidence_of(
    "The payment PAY-7 is the duplicate. No refund has been requested.",
    rules="Ask us to block the SIM. A ticket is opened and an engineer is booked within 2 working days.",
)
TICKET = evidence_of(done=("I opened ticket TCK-1.",))


@pytest.mark.parametrize(
    ("sentence", "language"),
    [
        ("I have refunded PAY-7.", "en"),
        ("I've gone ahead and opened a ticket.", "en"),
        ("I've blocked your SIM just now.", "en"),
        ("Your refund is on its way.", "en"),
        ("Your SIM has been blocked.", "en"),
        ("A refund has now been requested.", "en"),
        ("Done! It is all sorted.", "en"),
        ("I'm opening a ticket now.", "en"),
        ("I've passed this on to my colleagues.", "en"),
        ("Ich habe Ihre Karte gesperrt.", "de"),
        ("Ihre Karte wurde soeben gesperrt.", "de"),
        ("Ihre Erstattung ist unterwegs.", "de"),
        ("He solicitado el reembolso.", "es"),
        ("Su reembolso está en camino.", "es"),
    ],
)
def test_a_deed_that_no_tool_did_is_a_fault(sentence: str, language: Language) -> None:
    assert {fault.kind for fault in faults(sentence, NOTHING_DONE, language)} == {"deed"}


@pytest.mark.parametrize(
    ("sentence", "language"),
    [
        ("Shall I request a refund?", "en"),
        ("I have not refunded anything, and nothing is on its way.", "en"),
        ("If I refunded it, it would take five days.".replace("five", "2"), "en"),
        ("Once we have blocked the SIM, nobody can use it.", "en"),
        ("A ticket is opened, and an engineer is booked within 2 working days.", "en"),
        ("I've checked your payments.", "en"),
        ("Soll ich die Karte sperren?", "de"),
        ("No se ha solicitado ningún reembolso.", "es"),
    ],
)
def test_questions_conditions_denials_and_rules_claim_nothing(sentence: str, language: Language) -> None:
    assert faults(sentence, NOTHING_DONE, language) == []


@pytest.mark.parametrize(
    "sentence",
    ["I've opened ticket TCK-1.", "Your ticket has been raised: TCK-1.", "Done! It is TCK-1.", "I've reported it."],
)
def test_what_a_tool_did_may_be_told(sentence: str) -> None:
    assert faults(sentence, TICKET) == []


def test_one_deed_does_not_stand_for_another() -> None:
    assert faults("I've opened ticket TCK-1 and I have booked an engineer.", TICKET)


def test_a_read_fact_supports_the_passive_voice() -> None:
    read = evidence_of("TCK-9: resolved, opened 2025-11-19.")
    assert faults("It was opened on 19 November 2025 and has been resolved.", read) == []
    assert faults("I have opened it on 19 November 2025.", read)


def test_a_grant_needs_a_text_that_speaks_of_it() -> None:
    assert [fault.kind for fault in faults("As a gesture we waive the fee.", NOTHING_DONE)] == ["concession"] * 2
    assert faults("We waive it.", evidence_of(rules="The fee is waived once a year.")) == []
    assert faults("Feel free to ask, and you get an answer.", NOTHING_DONE) == []


def test_of_an_earlier_answer_only_deeds_are_evidence() -> None:
    assert told_deeds("I've opened ticket TCK-1. Shall I block the SIM? It costs nothing.") == [
        "I've opened ticket TCK-1."
    ]
