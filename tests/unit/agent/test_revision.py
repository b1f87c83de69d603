"""The digest of what an agent's answers rest on changes with each part of it."""

from datetime import date

import pytest

from switchboard.agent.revision import revision_of
from switchboard.contracts.cards import AgentCard, Skill

CARD = AgentCard(
    id="billing", name="Billing", version="1", description="", owner="", instructions="Be kind.",
    skills=[Skill(id="a", description="", examples=["x"])],
)  # fmt: skip
NOW = {"knowledge": "k1", "model": "openai/m1", "today": date(2026, 11, 24)}


def test_it_stays_while_nothing_changes():
    assert revision_of(CARD, [], **NOW) == revision_of(CARD, [], **NOW)


@pytest.mark.parametrize("change", [{"knowledge": "k2"}, {"model": "openai/m2"}, {"today": date(2026, 11, 25)}])
def test_it_changes_with_the_articles_the_model_and_the_day(change: dict[str, object]):
    assert revision_of(CARD, [], **NOW) != revision_of(CARD, [], **{**NOW, **change})


def test_it_changes_with_the_prompt():
    assert revision_of(CARD, [], **NOW) != revision_of(CARD.model_copy(update={"instructions": "Be brief."}), [], **NOW)
