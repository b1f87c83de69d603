"""Mistyped words are put right only where a known word is meant."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.text.spelling import Speller, every_word, similarity

WORDS = st.text(alphabet="abcdef", max_size=8)
SPELLER = Speller.learned(
    ["my router blinks", "a refund of the invoice", "Wi-Fi"], lambda word: word in ("night", "fork")
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("my ruter blinsk", "my router blinks"),
        ("the invioce, please", "the invoice please"),
        ("my wify", "my wifi"),
        ("at night with a fork", "at night with a fork"),
        ("refund", "refund"),
        ("refu", "refu"),
    ],
)
def test_a_mistyped_word_is_put_right_and_a_real_one_is_left(typed: str, meant: str) -> None:
    assert SPELLER.corrected(typed) == meant


def test_without_a_vocabulary_nothing_is_corrected() -> None:
    assert Speller.learned(["router"], every_word).corrected("my ruter") == "my ruter"


@settings(max_examples=100, deadline=None)
@given(left=WORDS, right=WORDS)
def test_similarity_is_symmetric_and_one_for_equal_words(left: str, right: str) -> None:
    assert 0 <= similarity(left, right) <= 1
    assert similarity(left, left) == 1
    assert similarity(left, right) == similarity(right, left)
