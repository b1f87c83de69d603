import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.scoring.words import content_words, figures, holds, marks, plain, statements


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("Your bill is **£61.40**, due soon.", "£61.40"),
        ("Your bill is £1,061.40.", "£1061.40"),
        ("It is 1061 pounds", "1,061"),
        ("Don’t worry", "don't worry"),
        ("The line is up.\nThe  router cannot log in", "the router cannot log in"),
        ("I opened ticket TCK-100082: it is", r"/TCK-\d{6}/"),
        ("It takes 14 days. [1]", "14 days"),
        ("That is −£3.00", "-£3.00"),
        ("Leaving costs 60 % of the price", "60 %"),
    ],
)
def test_a_fact_is_found_however_it_is_set(text: str, fact: str) -> None:
    assert holds(text, fact)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("You have 25 GB", "5 GB"),
        ("It is £161.40", "£61.40"),
        ("It is £61.40", "£61.4"),
        ("It is £61.405", "£61.40"),
        ("helpful", "help"),
        ("Kestrel 12 Pro", "Kestrel 1"),
        ("It weighs 1.5 kg", "5 kg"),
        ("[2] names the source", "2"),
    ],
)
def test_a_part_of_a_word_or_figure_is_not_the_fact(text: str, fact: str) -> None:
    assert not holds(text, fact)


@given(st.text(max_size=200))
def test_any_text_holds_itself_and_plain_text_stays_plain(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    statements(text)
    figures(text)
    content_words(text)


@given(st.lists(st.sampled_from(["The light is red.", "Check the cable!", "Is it on?", "It costs £5.00."]), max_size=8))
def test_statements_are_the_sentences_whatever_stands_between_them(sentences: list[str]) -> None:
    assert [each.text for each in statements(" ".join(sentences))] == sentences
    assert [each.text for each in statements("\n\n".join(sentences))] == sentences


def test_a_mark_belongs_to_the_statement_before_it() -> None:
    found = statements("Red means no signal. [1] Check the cable [2].\n1. Push it in. [1] [3]\n[4]")
    assert [(each.text, set(each.cites)) for each in found] == [
        ("Red means no signal.", {1}),
        ("Check the cable.", {2}),
        ("Push it in.", {1, 3, 4}),
    ]
    assert marks("a [1] b [22]") == {1, 22}


def test_figures_are_compared_by_value() -> None:
    assert figures("£47.20 and 47.2 GB, 1,000") == figures("47.20, 1000")
