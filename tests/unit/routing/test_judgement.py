"""The question to a model that can judge, and what is made of its answer."""

import json
from pathlib import Path

import pytest

from switchboard.contracts.cards import load_cards
from switchboard.contracts.turns import HistoryMessage
from switchboard.routing.decision import Context, Route
from switchboard.routing.judgement import answer_of, judged, question
from switchboard.routing.model import RoutingModel
from switchboard.text.spelling import Speller, every_word
from tests.unit.supervisor.conftest import WordEmbedder

CARDS = load_cards(Path("services"))


def test_the_question_asks_for_ids_of_agents_only() -> None:
    context = Context("billing", [HistoryMessage(role="user", text="hello")])
    body = question("it is about roaming", context, list(CARDS.values()))

    schema = body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["agents"]["items"]["enum"] == list(CARDS)
    assert body["max_tokens"] < 200
    assert "it is about roaming" in body["messages"][1]["content"]
    assert "hello" in body["messages"][1]["content"]


@pytest.mark.parametrize(
    "content",
    [
        *("billing", "[]", '{"agents": "billing"}', '{"agents": ["nobody-knows"]}', '{"agent": []}', "{", "null"),
        '{"agents": [{}]}',
    ],
)
def test_an_answer_that_is_not_what_was_asked_for_is_none(content: str) -> None:
    assert answer_of(content, list(CARDS.values())) is None


def test_the_model_decides_over_what_the_classifier_was_unsure_of() -> None:
    model = RoutingModel(CARDS, WordEmbedder(), Speller.learned([], every_word))
    route = Route("clarify", "They are close.", candidates=("billing", "product"), unsure=True)
    judgement = answer_of(json.dumps({"agents": ["product"]}), list(CARDS.values()))
    assert judgement is not None
    decided = judged(route, judgement, "which roaming pass?", model)

    assert [part.agent for part in decided.parts] == ["product"]
    assert decided.judged
    assert decided.classifier_by == "clarify"
    assert "They are close." in decided.why


def test_a_model_that_names_nobody_refuses() -> None:
    model = RoutingModel(CARDS, WordEmbedder(), Speller.learned([], every_word))
    judgement = answer_of('{"agents": []}', list(CARDS.values()))
    assert judgement is not None

    assert judged(Route("classifier", "", unsure=True), judgement, "?", model).by == "out_of_scope"
