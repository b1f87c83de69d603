"""What the router learns of agents beside their cards: questions that no example of a card is like."""

from collections.abc import Sequence

import pytest

from switchboard.contracts.agent_topics import AgentTopics, TopicText
from switchboard.contracts.cards import AgentCard, Skill
from switchboard.models import MiniLmEmbedder
from switchboard.models.embedder import Vectors
from switchboard.models.int8_vectors import packed
from switchboard.routing import model as routing_model
from switchboard.routing.decision import Context, decide
from switchboard.routing.model import RoutingModel

LOANS = ("Renew my books", "How many books may I borrow?", "Where do I return a book?")
ROOMS = ("Book a study room", "Is a room free today?", "When are you open?")
ABOUT_FINES = (
    "what do i owe you for being two weeks late",
    "the dog ate the novel, do I pay for it",
    "is there a charge per day if I hand it in late",
    "wie viel kostet es, wenn ich zu spät abgebe",
)
NEW_WORDS = "do I owe you money for being late"


def card(agent_id: str, examples: Sequence[str]) -> AgentCard:
    return AgentCard(
        id=agent_id,
        name=agent_id.title(),
        version="1",
        description=agent_id,
        owner="tests",
        skills=[Skill(id="all", description=agent_id, examples=list(examples))],
        instructions="",
    )


CARDS = {"loans": card("loans", LOANS), "rooms": card("rooms", ROOMS)}


class RecordingEmbedder(MiniLmEmbedder):
    """Keeps what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        return await super().embed(texts)


@pytest.fixture(scope="module")
def embedder() -> RecordingEmbedder:
    return RecordingEmbedder()


@pytest.fixture
def topics(embedder: RecordingEmbedder) -> AgentTopics:
    texts = tuple(TopicText("fines#What does it cost to be late?", text) for text in ABOUT_FINES)
    return AgentTopics(texts, embedder.model_id, packed(embedder.encode(ABOUT_FINES)))


async def test_a_question_like_an_agents_topics_reaches_it(embedder: RecordingEmbedder, topics: AgentTopics) -> None:
    by_cards = await RoutingModel.learned(CARDS, embedder, embedder.is_word)
    by_topics = await RoutingModel.learned(CARDS, embedder, embedder.is_word, {"loans": topics})

    assert (await decide(by_cards, NEW_WORDS, Context())).by == "out_of_scope"
    route = await decide(by_topics, NEW_WORDS, Context())
    assert [part.agent for part in route.parts] == ["loans"]
    assert by_topics.examples == by_cards.examples + len(ABOUT_FINES)


async def test_only_texts_without_a_fitting_vector_are_embedded(
    embedder: RecordingEmbedder, topics: AgentTopics
) -> None:
    embedder.asked.clear()
    await RoutingModel.learned(CARDS, embedder, embedder.is_word, {"loans": topics})
    assert not {*ABOUT_FINES[:3]} & {*embedder.asked}
    # The vector that came is that of the foreign words; the classifier reads English.
    assert any(text.startswith("how") for text in embedder.asked if text.endswith("abgebe"))

    for unfit in (AgentTopics(topics.texts), AgentTopics(topics.texts, "another", topics.vectors)):
        embedder.asked.clear()
        await RoutingModel.learned(CARDS, embedder, embedder.is_word, {"loans": unfit})
        assert {*ABOUT_FINES[:3]} <= {*embedder.asked}


async def test_a_text_like_another_agents_card_is_the_other_agents(embedder: RecordingEmbedder) -> None:
    greedy = AgentTopics(
        (TopicText("rooms", "Reserve a study room"), TopicText("rooms", "what do I owe for a lost key"))
    )
    model = await RoutingModel.learned(CARDS, embedder, embedder.is_word, {"loans": greedy})

    assert model.examples == sum(len(each) for each in (LOANS, ROOMS)) + len(CARDS) + 1
    route = await decide(model, "please reserve a study room", Context())
    assert [part.agent for part in route.parts] == ["rooms"]


async def test_of_too_many_texts_every_topic_keeps_some(
    embedder: RecordingEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing_model, "TOPIC_TEXTS_MAX", 6)
    monkeypatch.setattr(routing_model, "TOPIC_CLASSES_MAX", 2)
    told = AgentTopics(tuple(TopicText(f"t{n % 3}", f"subject {n % 3} in other words {n}") for n in range(30)))
    chosen = routing_model._chosen({"loans": told})  # pyright: ignore[reportPrivateUsage]

    assert sorted(each.example.group for each in chosen) == ["t0", "t0", "t1", "t1", "t2", "t2"]
    assert {each.example.text for each in chosen} >= {f"subject {n} in other words {n}" for n in range(3)}
    assert {each.example.skill for each in chosen} == {"topics"}
