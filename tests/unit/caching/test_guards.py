"""What must agree before an answer serves another question: each guard refuses its own, and lets wording be."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from switchboard.caching.semantic.guards import refusal
from switchboard.caching.semantic.reading import read

REFUSED = [
    ("numbers", "Do you deliver within 3 days?", "Do you deliver within 4 days?"),
    ("numbers", "Do you deliver within three days?", "Do you deliver within 4 days?"),
    ("numbers", "Can I add a second driver?", "Can I add a third driver?"),
    ("numbers", "Is there a limit?", "Is there a limit of 200?"),
    ("units", "Is 500 MB enough for me?", "Is 500 GB enough for me?"),
    ("units", "Can I pay in dollars?", "Can I pay in euros?"),
    ("identifiers", "Where is order ORD-1182?", "Where is order ORD-1128?"),
    ("identifiers", "Is the X200 in stock?", "Is the X210 in stock?"),
    ("dates", "Is the office open on Sunday?", "Is the office open on Friday?"),
    ("dates", "What did I use last month?", "What did I use this month?"),
    ("names", "Does the Ultra tariff have roaming?", "Does the Lite tariff have roaming?"),
    ("names", "does the ultra tariff have roaming?", "does the lite tariff have roaming?"),
    ("names", "Can I travel to Norway with it?", "Can I travel to Greece with it?"),
    ("names", "Is Zorblat compatible with my router?", "Is Quuxel compatible with my router?"),
    ("negation", "Which cards are supported?", "Which cards are not supported?"),
    ("negation", "Why can I log in?", "Why can't I log in?"),
    ("negation", "Can I order with a code?", "Can I order without a code?"),
    ("antonyms", "How do I install the driver?", "How do I uninstall the driver?"),
    ("antonyms", "Please raise my limit", "Please lower my limit"),
    ("antonyms", "Is the download free?", "Is the upload free?"),
    ("directions", "Move money from savings to checking", "Move money from checking to savings"),
    ("question", "When can I collect it?", "Where can I collect it?"),
    ("question", "How long does it take?", "How much does it take?"),
]
LET_PASS = [
    ("Do you deliver within 3 days?", "do you deliver within three days"),
    ("Is 5GB enough?", "Is 5 GB enough?"),
    ("Is €1,000 the limit?", "is 1000 euros the limit"),
    ("Why can't I log in?", "why cannot i log in"),
    ("I don't get a code", "I dont get a code"),
    ("Where is order ORD-1182?", "where is order ord-1182"),
    ("Does the Ultra tariff have roaming?", "does the ultra tariff have roaming"),
    ("When will it arrive?", "How long until it arrives?"),
    ("What's the fee?", "What is the fee?"),
]


@pytest.mark.parametrize(("guard", "asked", "cached"), REFUSED)
def test_a_difference_that_changes_the_answer_is_refused(guard: str, asked: str, cached: str):
    assert refusal(read(asked), read(cached)) == guard
    assert refusal(read(cached), read(asked)) == guard


@pytest.mark.parametrize(("asked", "cached"), LET_PASS)
def test_a_difference_of_wording_is_let_pass(asked: str, cached: str):
    assert refusal(read(asked), read(cached)) is None


def test_a_name_of_the_deployment_must_agree_in_any_case():
    names = frozenset({"helix one", "helix two"})
    assert refusal(read("is helix one in stock", names), read("is Helix Two in stock", names)) is not None
    assert refusal(read("is helix one in stock", names), read("Is Helix One in stock?", names)) is None


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_two_texts_are_judged_alike_both_ways_round(one: str, other: str):
    assert (refusal(read(one), read(other)) is None) == (refusal(read(other), read(one)) is None)


@example(":A-ß")
@given(st.text(max_size=200))
def test_no_guard_refuses_a_text_its_own_answer(text: str):
    assert refusal(read(text), read(text)) is None


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_two_numbers_agree_only_when_they_are_the_same(one: int, other: int):
    asked, cached = read(f"What do {one} units cost?"), read(f"What do {other} units cost?")
    assert (refusal(asked, cached) is None) == (one == other)
