"""What is done to the words of a message before it is read: spelling, foreign words, hashing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.routing.lexical_features import CHARACTER_WEIGHT, WORD_WEIGHT, LexicalSpace
from switchboard.routing.phrases import announces_several, asks_for_person, parts_of, points_back, small_talk
from switchboard.text.glossary import in_english
from switchboard.text.spelling import Speller

SPELLER = Speller.learned(
    ["my router blinks", "a refund of the invoice", "Wi-Fi"], lambda word: word in ("night", "fork")
)


def test_a_text_is_most_like_itself() -> None:
    space = LexicalSpace.learned(["my router blinks", "my invoice is late"])
    same, typo, other = (
        space.rows(["my router blinks", "my ruoter blinsk", "pay the rent"]) @ space.rows(["my router blinks"]).T
    )

    assert same[0] == pytest.approx(WORD_WEIGHT + CHARACTER_WEIGHT, rel=0.2)
    assert same > typo > other


def test_a_text_without_words_has_no_lexical_part() -> None:
    space = LexicalSpace.learned(["hello"])

    assert not space.rows(["?!", ""]).any()


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    assert np.isfinite(LexicalSpace.learned([text]).rows([text])).all()
    assert isinstance(SPELLER.corrected(in_english(text)), str)
    assert parts_of(text)
    small_talk(text)
    asks_for_person(text)


@pytest.mark.parametrize(
    ("foreign", "english"),
    [
        ("meine Rechnung ist höher", "my invoice is higher"),
        ("¿Cuánto cuesta?", "how much costs?"),
        ("mon routeur clignote", "mon router blinks"),
        ("why is my bill so high", "why is my bill so high"),
    ],
)
def test_foreign_words_are_put_into_english_one_by_one(foreign: str, english: str) -> None:
    assert in_english(foreign) == english


@pytest.mark.parametrize(
    "message",
    [
        "I want to speak to a human",
        "give me a real person now!",
        "representative please",
        "can you transfer me to an agent",
        "quiero hablar con un agente",
        "kann ich mit einem Menschen sprechen",
        "je voudrais parler à un humain",
    ],
)
def test_who_asks_for_a_person_is_heard(message: str) -> None:
    assert asks_for_person(message)


@pytest.mark.parametrize(
    "message",
    [
        "are you human",
        "my agent bill",
        "how many people can use my plan",
        "call me later",
        "I need a phone for one person",
        "I want a plan for two people",
    ],
)
def test_who_does_not_ask_for_a_person_is_not_handed_over(message: str) -> None:
    assert not asks_for_person(message)


@pytest.mark.parametrize("message", ["hola", "Danke schön!", "merci beaucoup", "cheers mate", "that's all I needed"])
def test_small_talk_is_known_in_several_languages(message: str) -> None:
    assert small_talk(message) is not None


def test_a_message_is_cut_at_sentences_commas_and_conjunctions() -> None:
    assert parts_of("I paid twice, my hub is red and when do you open?") == [
        "I paid twice",
        "my hub is red",
        "when do you open?",
    ]
    assert points_back("it costs too much")
    assert not points_back("my hub is red")
    assert points_back("what does it cost")
    assert not points_back("how far does the old router reach with its antennas")


def test_items_of_a_list_are_parts_and_too_many_clauses_are_sentences() -> None:
    assert parts_of("(1) my bill, please (2) a new phone") == ["my bill", "please", "a new phone"]
    long = "I came home, ate, slept, woke, rang, waited, wrote, read, sang, ran, swam and cried. What now?"
    assert parts_of(long) == [long.removesuffix(" What now?"), "What now?"]


@pytest.mark.parametrize(
    ("message", "several"),
    [
        ("Two things, please. My bill and my phone.", True),
        ("what is my balance, and separately: do you sell tablets", True),
        ("Item one: my bill. Item two: a phone.", True),
        ("1. my bill 2. a phone", True),
        ("zwei Fragen: Rechnung und Router", True),
        ("why is my bill so high", False),
        ("my router blinks red and does not stop", False),
    ],
)
def test_who_says_that_there_are_several_matters_is_heard(message: str, several: bool) -> None:
    assert announces_several(message) == several
