"""Bounds and counts as people say them; other languages by their words."""

import pytest

from switchboard.text.glossary import in_english, is_foreign
from switchboard.text.quantities import bounds_in, count_in


@pytest.mark.parametrize(
    ("text", "value", "unit", "at_least"),
    [
        ("a lamp with more than eight hours of light", 8, "h", True),
        ("at least 12 GB please", 12, "gb", True),
        ("lighter than 1,5 kilos", 1.5, "kg", False),
        ("no more than 2,000 metres", 2_000, "m", False),
    ],
)
def test_a_bound_has_a_value_a_unit_and_a_side(text: str, value: float, unit: str, at_least: bool):
    (bound,) = bounds_in(text)
    assert (bound.value, bound.unit, bound.at_least) == (value, unit, at_least)
    assert bound.holds(value)


def test_how_many_are_asked_for_is_read_before_a_superlative():
    assert count_in("show me the three cheapest lamps") == 3
    assert count_in("the cheapest of three lamps") is None


def test_a_message_in_another_language_is_known_by_its_words():
    assert is_foreign("warum ist meine Rechnung im März höher?")
    assert not is_foreign("why is my bill for die cutting so high?")
    assert in_english("la factura de septiembre") == "the invoice of september"
