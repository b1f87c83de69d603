"""Which earlier messages a search reads, what a prompt gets, and which sentences a citation points at."""

import pytest

from switchboard.contracts.tools import Passage
from switchboard.knowledge.retrieval.cited_span import cited_span
from switchboard.knowledge.retrieval.follow_ups import EARLIER_MAX, continues, earlier_of
from switchboard.knowledge.retrieval.fusion import fused
from switchboard.knowledge.retrieval.prompt_budget import within_budget
from switchboard.knowledge.retrieval.query import EARLIER_CHARACTERS_MAX, Query
from switchboard.text.tokens import estimated_tokens


@pytest.mark.parametrize(
    "question", ["and last month?", "What about roaming?", "Why?", "How do I fix it?", "Is that normal?", "yes please"]
)
def test_pronouns_and_ellipsis_continue_what_was_said(question: str) -> None:
    assert continues(question)


@pytest.mark.parametrize(
    "question",
    [
        "Why is my invoice higher this time than in the months before it?",
        "What does a blinking red light on the router mean?",
        "How do I cancel my contract?",
    ],
)
def test_a_question_complete_in_itself_does_not(question: str) -> None:
    assert not continues(question)
    assert earlier_of(question, ["My router is broken"]) == ()


def test_earlier_messages_reach_back_to_the_one_that_is_complete() -> None:
    before = ["yes please", "and on a tablet?", "How do I set up voicemail on my phone?", "Show my last invoice"]
    assert earlier_of("and does it cost anything?", before) == before[:3][1:] or earlier_of("why?", before)
    assert "Show my last invoice" not in earlier_of("why?", before)
    assert len(earlier_of("why?", ["and that one?"] * 2 + [f"what about number {n}?" for n in range(9)])) <= EARLIER_MAX


def test_the_newest_words_are_embedded_first_and_the_oldest_are_cut() -> None:
    question = Query.of("and now?", ["first " * 50, "second " * 50, " "])
    assert question.meaning.startswith("and now?. first")
    assert len(question.meaning) == EARLIER_CHARACTERS_MAX
    assert len(question.earlier) == 2
    assert len(Query.of("long " * 200).meaning) == 1_000


def test_what_both_rankings_know_comes_first() -> None:
    assert fused(["a", "b", "c"], ["d", "b"]) == ["b", "a", "d", "c"]


def passage(text: str, start: int = 0, document: str = "d") -> Passage:
    return Passage(
        n=0,
        title="T",
        uri=f"kb://a/{document}#{start}",
        text=text,
        document=document,
        start=start,
        end=start + len(text),
    )


def test_a_prompt_gets_no_words_twice() -> None:
    first = passage("A duplicate payment is refunded within five working days.")
    repeated = passage("A duplicate payment is refunded within five working days!", document="copy")
    overlapping = passage("refunded within five working days. And more.", start=23)
    other = passage("A red light means that the router has no signal.", start=200)
    assert within_budget([first, repeated, overlapping, other], tokens_max=1_000) == [first, other]


def test_passages_stay_within_the_budget_and_are_never_cut() -> None:
    long, short = passage("one two three " * 60, document="long"), passage("Something short.", document="short")
    assert within_budget([passage("Best of all."), long, short], tokens_max=60) == [passage("Best of all."), short]
    assert within_budget([long], tokens_max=10) == [long], "the best one is better than none"
    assert sum(estimated_tokens(each.text) for each in within_budget([short, long], tokens_max=2_000)) <= 2_000


TEXT = "Fees are due at once. A duplicate payment is refunded within five days. It goes to your bank. Call us."


@pytest.mark.parametrize(
    ("claim", "span"),
    [
        ("A duplicate payment is refunded within five days", "A duplicate payment is refunded within five days."),
        ("You get a duplicate payment back in five days", "A duplicate payment is refunded within five days."),
        ("Purple elephants dance", TEXT),
        ("", TEXT),
    ],
)
def test_a_citation_points_at_the_sentences_that_were_used(claim: str, span: str) -> None:
    start, end = cited_span(TEXT, claim)
    assert TEXT[start:end] == span
