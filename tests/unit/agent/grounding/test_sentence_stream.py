"""A model's words come as whole sentences, at most one of them late."""

import pytest

from switchboard.agent.grounding.sentence_stream import SentenceStream


@pytest.mark.parametrize(
    "text",
    [
        "Hello! It costs £3. Anything else?",
        "1. Push it in.\n2. Wait.\n\n- Done.",
        "Fällig am 28. Oktober 2026. Das war es.",
        "e.g. this one. That one [1]. And so on",
    ],
)
def test_joined_they_are_what_was_fed(text: str) -> None:
    stream = SentenceStream()
    given = [sentence for character in text for sentence in stream.feed(character)]
    assert "".join([*given, *stream.flush()]) == text


def test_a_date_is_not_cut_behind_its_day() -> None:
    stream = SentenceStream()
    given = [sentence for character in "Fällig am 28. Oktober. Das war es. Ja" for sentence in stream.feed(character)]
    assert given == ["Fällig am 28. Oktober. ", "Das war es. "]


def test_a_sentence_without_end_is_given_in_parts() -> None:
    stream = SentenceStream()
    assert stream.feed("word " * 400)
