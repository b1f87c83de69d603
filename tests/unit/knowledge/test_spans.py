"""Which part of a passage a claim was taken from."""

from switchboard.knowledge.retrieval.cited_span import cited_span

FIRST = "Call 121, press 3 and record the greeting after the tone."
SECOND = "It may be up to 60 seconds long."
THIRD = "Messages are deleted by the operator after 21 days."
PASSAGE = f"{FIRST} {SECOND} {THIRD}"


def span(claim: str) -> str:
    start, end = cited_span(PASSAGE, claim)
    return PASSAGE[start:end]


def test_a_claim_of_several_sentences_has_the_span_of_all_of_them() -> None:
    assert span(f"{FIRST} {SECOND}") == f"{FIRST} {SECOND}"
    assert span(PASSAGE) == PASSAGE


def test_a_claim_of_one_sentence_has_that_sentence() -> None:
    assert span(SECOND) == SECOND


def test_what_the_passage_does_not_say_widens_nothing() -> None:
    assert span(f"{SECOND} Bananas grow in tropical gardens.") == SECOND
    assert span("Bananas grow in tropical gardens.") == PASSAGE
