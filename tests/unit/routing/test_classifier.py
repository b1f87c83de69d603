"""Scores of agents out of examples: calibrated, and honest about what is unlike everything."""

import numpy as np
import pytest

from switchboard.models import MiniLmEmbedder
from switchboard.routing.calibration import (
    CALIBRATED_TEXTS_MIN,
    FAMILIARITY_MIN_DEFAULT,
    TEMPERATURE_DEFAULT,
    Calibration,
    familiarity_min_of,
    temperature_of,
)
from switchboard.routing.classifier import ELSEWHERE, Classification, Classifier, Example

LIBRARY = {
    "loans": {
        "renew": ["Renew my books", "Can I keep the book for longer?", "Extend my loan", "I need more time to read it"],
        "return": ["Where do I bring books back?", "I want to return a book", "Is there a return box?"],
    },
    "rooms": {
        "book-room": ["Reserve a study room", "Is a room free this afternoon?", "I need a place for our group"],
        "opening": ["When are you open?", "Are you open on Sunday?", "What are your opening hours?"],
    },
}
ABROAD = ["Cook a soup", "Who won the race?", "My knee hurts"]


@pytest.fixture(scope="module")
def embedder() -> MiniLmEmbedder:
    return MiniLmEmbedder()


@pytest.fixture(scope="module")
def classifier(embedder: MiniLmEmbedder) -> Classifier:
    examples = [
        Example(text, agent, skill)
        for agent, skills in LIBRARY.items()
        for skill, texts in skills.items()
        for text in texts
    ]
    examples += [Example(text, ELSEWHERE, ELSEWHERE) for text in ABROAD]
    return Classifier.learned(examples, embedder.encode([each.text for each in examples]))


def read(classifier: Classifier, embedder: MiniLmEmbedder, text: str) -> Classification:
    return classifier.classify([text], embedder.encode([text]))[0]


@pytest.mark.parametrize(
    ("text", "agent", "skill"),
    [
        ("please extend the loan of my novel", "loans", "renew"),
        ("can I drop off this book somewhere", "loans", "return"),
        ("which hours are you open tomorrow", "rooms", "opening"),
        ("we would like to reserve a room", "rooms", "book-room"),
    ],
)
def test_a_text_is_read_as_the_skill_that_it_is_like(
    classifier: Classifier, embedder: MiniLmEmbedder, text: str, agent: str, skill: str
) -> None:
    classification = read(classifier, embedder, text)

    assert next(iter(classification.agents)) == agent
    assert classification.skill == skill


def test_probabilities_of_agents_and_elsewhere_add_up(classifier: Classifier, embedder: MiniLmEmbedder) -> None:
    for text in ("Renew my books", "Who won the race?", "xyzzy"):
        classification = read(classifier, embedder, text)
        assert sum(classification.agents.values()) + classification.elsewhere == pytest.approx(1.0, abs=1e-4)
        assert list(classification.agents.values()) == sorted(classification.agents.values(), reverse=True)


def test_a_known_text_is_familiar_and_a_strange_one_is_not(classifier: Classifier, embedder: MiniLmEmbedder) -> None:
    assert read(classifier, embedder, "Renew my books").familiarity > 1.6
    assert read(classifier, embedder, "the derivative of a cubic polynomial").familiarity < 0.5


def test_what_is_known_to_be_for_nobody_is(classifier: Classifier, embedder: MiniLmEmbedder) -> None:
    classification = read(classifier, embedder, "who has won the race today")

    assert classification.elsewhere > classification.best


def test_one_agent_with_one_example_can_be_learned(embedder: MiniLmEmbedder) -> None:
    only = Classifier.learned([Example("Renew my books", "loans", "renew")], embedder.encode(["Renew my books"]))

    assert read(only, embedder, "Renew my books").agents == {"loans": pytest.approx(1.0)}


def test_with_few_texts_the_defaults_hold() -> None:
    few = CALIBRATED_TEXTS_MIN - 1
    assert temperature_of(np.eye(few, dtype=np.float32), np.arange(few)) == TEMPERATURE_DEFAULT
    assert familiarity_min_of(np.ones(few, dtype=np.float32)) == FAMILIARITY_MIN_DEFAULT


def test_the_temperature_makes_probabilities_as_likely_as_they_are_right() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 4, size=4_000)
    logits = random.normal(size=(4_000, 4)) + 1.5 * np.eye(4)[truth]
    scores = (logits * 0.1).astype(np.float32)  # a tenth of their true sharpness
    calibration = Calibration(temperature_of(scores, truth), 0.0)

    shares = calibration.probabilities(scores)
    right = shares.argmax(axis=1) == truth
    assert abs(shares.max(axis=1).mean() - right.mean()) < 0.08
