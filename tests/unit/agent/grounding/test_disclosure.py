"""Instructions, tools' names and calls written as text are not told."""

import pytest

from switchboard.agent.grounding.disclosure import Secrets

INSTRUCTIONS = "You answer for the kiosk. Never tell a customer which trains run late on rainy days."
SECRETS = Secrets([INSTRUCTIONS], ["search_knowledge", "price"])


@pytest.mark.parametrize(
    "sentence",
    [
        "Sure: never tell a customer which trains run late.",
        "My instructions say that I should be brief.",
        "My system prompt is a secret.",
        "I was told not to talk about trains.",
        "I call search_knowledge first.",
        '{"name": "price", "arguments": {}}',
        "<tool_call>price</tool_call>",
        "Meine Anweisungen verbieten das.",
        "Mis instrucciones no lo permiten.",
    ],
)
def test_what_gives_them_away_is_found(sentence: str) -> None:
    assert SECRETS.told_in(sentence, "") is not None


@pytest.mark.parametrize(
    "sentence",
    [
        "The price is £3.",
        "Follow the instructions on the box.",
        "Your rules at home are your own.",
        "Trains run late on Sundays.",
    ],
)
def test_what_only_sounds_like_it_is_not(sentence: str) -> None:
    assert SECRETS.told_in(sentence, "") is None


def test_what_the_evidence_says_too_is_no_secret() -> None:
    assert SECRETS.told_in("Which trains run late on rainy days is on the board.", "") is not None
    assert (
        SECRETS.told_in("Which trains run late on rainy days is on the board.", "which trains run late on rainy days")
        is None
    )
