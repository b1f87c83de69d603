"""Words, terms, stems, stop words and estimated tokens."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from switchboard.text.spaces import collapsed, straightened
from switchboard.text.stems import CHARACTERS_MAX, stem
from switchboard.text.stop_words import REQUEST_WORDS, STOP_WORDS
from switchboard.text.tokens import estimated_tokens
from switchboard.text.words import content_stems, content_terms, join_list, stems, terms, words


def test_words_are_as_people_say_them_and_terms_as_an_index_counts_them() -> None:
    assert words("Don’t pay £47.20 by Wi-Fi") == ["don't", "pay", "47", "20", "by", "wi", "fi"]
    assert terms("Don't café_5") == ["don", "t", "café", "5"]


@pytest.mark.parametrize("forms", ["charge charged charges charging", "invoice invoices invoiced", "reset resets"])
def test_the_forms_of_a_word_have_one_stem(forms: str) -> None:
    assert len({stem(form) for form in forms.split()}) == 1


def test_what_is_no_word_is_its_own_stem() -> None:
    assert stem("x5s") == "x5s"
    assert stem("s" * (CHARACTERS_MAX + 1)) == "s" * (CHARACTERS_MAX + 1)


def test_stems_are_the_same_from_any_thread() -> None:
    forms = [
        f"{root}{ending}" for root in ("charg", "bill", "refund", "rout") for ending in ("e", "ing", "ed", "s", "er")
    ]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: [stem(f"{form}{'x' * (number % 7)}") for form in forms], range(200)))
    assert all(each == found[number % 7] for number, each in enumerate(found))


def test_content_is_what_is_left_without_stop_words() -> None:
    assert content_terms("What is on my bill, and why is the bill higher?") == ["bill", "higher"]
    assert content_stems("Show me the bills of 2 phones") == ["show", "bill", "2", "phone"]
    assert content_stems("Show me the bills", STOP_WORDS | REQUEST_WORDS) == ["bill"]
    assert stems("Bills, billed") == {"bill"}


def test_no_word_is_in_two_lists() -> None:
    assert not STOP_WORDS & REQUEST_WORDS


def test_tokens_are_estimated_by_bytes() -> None:
    assert [estimated_tokens(text) for text in ("", "a", "four", "fives", "é" * 4)] == [0, 1, 1, 2, 2]


def test_white_space_and_typography_are_made_plain() -> None:
    assert collapsed(" a\n\t b  ") == "a b"
    assert straightened("“it’s” – 5") == '"it\'s" - 5'


def test_a_list_is_joined_as_people_say_it() -> None:
    assert [join_list(items) for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
