"""What people name, and what they prefer, found by patterns."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.contracts.turns import Entity
from switchboard.memory.entities import FOUND_MAX, entities_in, newest_first, preferences_in

TODAY = date(2026, 11, 15)


def named(text: str) -> list[tuple[str, str]]:
    return [(each.kind, each.value) for each in entities_in(text, TODAY)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Your invoice INV-202610-10001 is due", [("invoice", "INV-202610-10001")]),
        ("ticket tck-100245 and PAY-100007", [("ticket", "TCK-100245"), ("payment", "PAY-100007")]),
        ("customer C-10001, order ORD-77", [("customer", "C-10001"), ("order", "ORD-77")]),
        ("My XQ-4711 broke", [("reference", "XQ-4711")]),
        ("my Lumen X5 Pro does not start", [("device", "Lumen X5 Pro")]),
        ("the Aurora Hub router blinks", [("device", "Aurora Hub router")]),
        ("my invoice for October", [("month", "2026-10")]),
        ("since covid-19 in mid-2026 we may sit", []),
    ],
)
def test_things_that_are_named(text: str, found: list[tuple[str, str]]) -> None:
    assert named(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I prefer e-mail to calls. My bill?", ["I prefer e-mail to calls"]),
        ("Please call me Ada.", ["Please call me Ada"]),
        ("Please don't call me; write.", ["Please don't call me; write"]),
        ("Why is my bill higher?", []),
        ("Could you call me back?", []),
    ],
)
def test_what_people_prefer(text: str, found: list[str]) -> None:
    assert preferences_in(text) == found


def test_the_thing_named_last_comes_first_and_stands_once() -> None:
    one, two, three = (Entity(kind="ticket", value=f"TCK-{n}") for n in (1, 2, 3))
    assert newest_first([one, two], [three, two], 3) == [three, two, one]
    assert newest_first([one, two], [three], 2) == [three, one]


@given(st.text(max_size=10_000))
@settings(max_examples=100, deadline=None)
def test_any_text_gives_a_bounded_number_of_things(text: str) -> None:
    assert len(entities_in(text, TODAY)) <= FOUND_MAX
    assert len(preferences_in(text)) <= FOUND_MAX
