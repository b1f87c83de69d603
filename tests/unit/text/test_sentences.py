"""Where sentences end, in whole texts and in those that are still being written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.text.sentences import clauses, first_sentence_end, sentence_spans, sentences


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("One. Two? Three!", ["One.", "Two?", "Three!"]),
        ("It costs £4.50 a month. Pay by card.", ["It costs £4.50 a month.", "Pay by card."]),
        ("Use a cable, e.g. the grey one. Then wait.", ["Use a cable, e.g. the grey one.", "Then wait."]),
        ("Ask Mr. Smith. He knows.", ["Ask Mr. Smith.", "He knows."]),
        ("a line\nanother line\n\n- an item", ["a line", "another line", "- an item"]),
        ("Check the cables. [1] [2] Restart it. [3]", ["Check the cables. [1] [2]", "Restart it. [3]"]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("  ", []),
        ("", []),
    ],
)
def test_a_text_is_cut_at_the_ends_of_its_sentences_and_lines(text: str, found: list[str]) -> None:
    assert sentences(text) == found


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet="aB1 .!?\n[]()\"'…", max_size=80))
def test_spans_are_in_order_without_white_space_around_and_leave_nothing_out(text: str) -> None:
    spans = list(sentence_spans(text))
    assert "".join("".join(text[start:end] for start, end in spans).split()) == "".join(text.split())
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)
    assert [at for span in spans for at in span] == sorted(at for span in spans for at in span)


@pytest.mark.parametrize(
    ("written", "first"),
    [
        ("Check the cables. Re", "Check the cables. "),
        ("Check the cables.\n", "Check the cables.\n"),
        ("Check the cables. [1] Re", "Check the cables. [1] "),
        ("Check the cables.", None),
        ("Check the cables. ", None),
        ("Check the cables. [", None),
        ("Check the cables. [1", None),
        ("It costs £4.", None),
        ("Use a cable, e.g. T", None),
    ],
)
def test_a_sentence_is_over_when_what_follows_cannot_belong_to_it(written: str, first: str | None) -> None:
    end = first_sentence_end(written)
    assert (None if end is None else written[:end]) == first


def test_clauses_are_cut_where_another_request_may_begin() -> None:
    assert clauses("Show my bill and also explain the fees; then stop. Thanks and bye") == [
        "Show my bill",
        "explain the fees",
        "then stop.",
        "Thanks and bye",
    ]
