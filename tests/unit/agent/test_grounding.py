"""What a model says after a search is given when it rests on what was found, by the sentence."""

import pytest

from switchboard.agent.grounding import (
    ASK_A_PERSON,
    NOT_KNOWN_ANSWER,
    NOT_KNOWN_REST,
    Evidence,
    GroundingFilter,
    is_supported,
    with_citation,
)
from switchboard.contracts.tools import Offer, Passage

PASSAGE = Passage(
    n=1,
    title="Refunds",
    uri="kb://a/refunds#0-9",
    text="A duplicate payment is refunded within 5 working days. The late fee is £1,000.00.",
)
FOUND = Evidence((PASSAGE,), ("Which payment is refunded?",))
OFFER = Offer(question="Would you like me to open a ticket?", tool="open_ticket")


def said(text: str, evidence: Evidence = FOUND, offer: Offer | None = None) -> tuple[str, GroundingFilter]:
    """The answer as it is given, fed by the character."""
    words = GroundingFilter(offer)
    return "".join(words.feed(each, evidence) for each in text) + words.flush(evidence), words


@pytest.mark.parametrize(
    "sentence",
    [
        "A duplicate payment is refunded within 5 working days.",
        "You get duplicate payments refunded within 5 days [1].",
        "The fee is £1000.",
        "Certainly!",
        "I do not know that.",
        "I couldn't find anything about parking permits in Leeds.",
        "Would you like a voucher for the cinema instead?",
    ],
)
def test_what_is_found_or_claims_nothing_is_supported(sentence: str) -> None:
    assert is_supported(sentence, FOUND)


@pytest.mark.parametrize(
    "sentence",
    [
        "A duplicate payment is refunded within 7 working days.",
        "Parking permits cost extra in Leeds city centre.",
        "The late fee is £1,500.00.",
    ],
)
def test_other_numbers_and_other_topics_are_not(sentence: str) -> None:
    assert not is_supported(sentence, FOUND)


def test_a_supported_answer_is_given_whole_with_its_marks() -> None:
    answer = "A duplicate payment is refunded within 5 working days [1]. The late fee is £1,000.00. [1]\n\n- Certainly."
    assert said(answer)[0] == answer


def test_a_claim_without_its_mark_gets_it() -> None:
    assert said("A duplicate payment is refunded within 5 working days. Is that all?")[0] == (
        "A duplicate payment is refunded within 5 working days [1]. Is that all?"
    )
    assert with_citation("Parking permits cost extra in Leeds.", [PASSAGE]) == "Parking permits cost extra in Leeds."


def test_an_unsupported_answer_is_not_given_but_a_ticket_is_offered() -> None:
    text, words = said("Parking permits cost £20 in Leeds. They are sold at the kiosk.", offer=OFFER)
    assert text == f"{NOT_KNOWN_ANSWER} {OFFER.question}"
    assert words.refused
    assert said("Parking permits cost £20.", Evidence())[0] == f"{NOT_KNOWN_ANSWER} {ASK_A_PERSON}"


def test_what_was_supported_before_stays_and_the_rest_is_not_given() -> None:
    text, _ = said("A duplicate payment is refunded within 5 working days [1]. You also win £500.", offer=OFFER)
    assert text == (
        "A duplicate payment is refunded within 5 working days [1]. " + f"\n\n{NOT_KNOWN_REST} {OFFER.question}"
    )


def test_no_more_than_a_sentence_is_held_back() -> None:
    words = GroundingFilter()
    assert words.feed("A duplicate payment is refunded ", FOUND) == ""
    assert words.feed("within 5 working days [1]. Th", FOUND).startswith("A duplicate")
    assert words.feed("refunded payment " * 100, FOUND) != ""
