"""What a message points at: a list that was told, the thing spoken of last, the same question of another thing."""

import pytest

from switchboard.models.embedded.completion import ToolSpec
from switchboard.models.embedded.references import known_names, repeats, resolved, told_before
from switchboard.models.embedded.tools.profile import tool_profile_of

NAMES = ["Otter Kayak", "Otter Kayak Pro", "Heron Canoe"]
BOATS = tool_profile_of(
    ToolSpec("boat_spec", "Tells how long a boat is.", {"properties": {"boat": {"type": "string", "examples": NAMES}}})
)
LIST = "We have the Otter Kayak at £300.00 and the Heron Canoe at £450.00."


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("how long is the second one?", "Heron Canoe"),
        ("the former, does it fold?", "Otter Kayak"),
        ("2nd. colour", "Heron Canoe"),
        ("is the second line mine?", ""),
    ],
)
def test_an_ordinal_points_into_the_list_that_was_told(message: str, named: str):
    told = told_before([LIST, "which boats have you"], [BOATS])
    assert (named in resolved(message, told, NAMES)) if named else resolved(message, told, NAMES) == message


def test_the_other_one_is_the_one_that_was_not_spoken_of_last():
    told = told_before(["The Heron Canoe weighs 30 kg.", "how heavy is the canoe", LIST], [BOATS])
    assert resolved("and the other?", told, NAMES) == "and Otter Kayak?"
    assert resolved("does it fold", told, NAMES) == "does the Heron Canoe fold"


def test_what_names_a_thing_itself_or_has_nothing_before_it_stays():
    told = told_before([LIST], [BOATS])
    assert (
        resolved("is the Otter Kayak Pro longer than that one?", told, NAMES)
        == "is the Otter Kayak Pro longer than that one?"
    )
    assert resolved("does it fold", told_before([], [BOATS]), NAMES) == "does it fold"
    assert known_names([BOATS]) == tuple(NAMES)


def test_a_bare_name_asks_the_same_of_another_thing():
    assert repeats("Heron Canoe?", "how heavy is the Otter Kayak", NAMES) == "Heron Canoe: how heavy is?"
    assert repeats("does the Heron Canoe fold", "how heavy is it", NAMES) == "does the Heron Canoe fold"
