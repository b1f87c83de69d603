"""Decisions with the real embedding model and the real cards."""

from pathlib import Path

import pytest

from switchboard.agent.topics import topics_of
from switchboard.contracts.agent_topics import AgentTopics
from switchboard.contracts.cards import AgentCard, Skill, load_cards
from switchboard.contracts.turns import HistoryMessage
from switchboard.evaluation.routing.decisions import crowded, evaluate_decisions, messages_of
from switchboard.models import MiniLmEmbedder
from switchboard.routing.decision import Context, Route, decide, thresholds
from switchboard.routing.model import RoutingModel

DEV_SET = Path("evals/routing/dev.csv")


@pytest.fixture(scope="module")
def embedder() -> MiniLmEmbedder:
    return MiniLmEmbedder()


@pytest.fixture
async def model(embedder: MiniLmEmbedder) -> RoutingModel:
    return await RoutingModel.learned(load_cards(Path("services")), embedder, embedder.is_word)


def topics_of_services() -> dict[str, AgentTopics]:
    folder = Path("services")
    return {agent_id: topics_of(card, folder / agent_id) for agent_id, card in load_cards(folder).items()}


@pytest.fixture
async def full_model(embedder: MiniLmEmbedder) -> RoutingModel:
    """Learned from the topics too."""
    cards = load_cards(Path("services"))
    return await RoutingModel.learned(cards, embedder, embedder.is_word, topics_of_services())


def agents(route: Route) -> list[str]:
    return [part.agent for part in route.parts]


def after(agent: str, said: str) -> Context:
    return Context(agent, [HistoryMessage(role="assistant", text=said, agent=agent)])


async def test_one_agent_gets_the_whole_message(model: RoutingModel) -> None:
    route = await decide(model, "Why did you charge me so much this month?", Context())

    assert agents(route) == ["billing"]
    assert route.parts[0].message == "Why did you charge me so much this month?"
    assert "billing" in route.why
    assert sum(route.shares.values()) <= 1.0 + 1e-6


async def test_several_agents_get_their_parts_as_they_were_written(model: RoutingModel) -> None:
    route = await decide(model, "my invioce is too high and the wifi is verry slow", Context())

    assert {part.agent: part.message for part in route.parts} == {
        "billing": "my invioce is too high",
        "tech": "the wifi is verry slow",
    }


@pytest.mark.parametrize(
    "message",
    [
        "I restarted the router twice and the light still blinks red",
        "I need 20 GB and calls to all networks, which plan is that?",
        "show me the invoices for July and August",
    ],
)
async def test_a_conjunction_alone_splits_nothing(model: RoutingModel, message: str) -> None:
    assert len(agents(await decide(model, message, Context()))) == 1


async def test_what_goes_on_with_the_subject_stays_with_its_agent(model: RoutingModel) -> None:
    for message in ("what does that mean?", "and the month before?", "I tried that already"):
        route = await decide(model, message, after("billing", "Your invoice is £61.40."))
        assert (route.by, agents(route)) == ("follow_up", ["billing"]), message


async def test_a_new_subject_leaves_the_agent(model: RoutingModel) -> None:
    route = await decide(model, "my router has a red light", after("billing", "Would you like a refund?"))

    assert agents(route) == ["tech"]


async def test_two_close_agents_are_asked_about(model: RoutingModel) -> None:
    twin = model.cards["tech"].model_copy(update={"id": "twin", "name": "Twin"})
    both = await RoutingModel.learned({**model.cards, "twin": twin}, model.embedder, model.speller.is_word)
    route = await decide(both, "my router has a red light", Context())

    assert route.by == "clarify"
    assert set(route.candidates) == {"tech", "twin"}
    assert route.unsure


async def test_a_human_is_asked_for_in_other_words_too(model: RoutingModel) -> None:
    for message in (
        "I wish to talk to a living person",
        "is there a human who could look at this?",
        "put me thru to a humann",
    ):
        assert (await decide(model, message, Context())).by == "person", message


async def test_nobodys_message_is_refused_and_an_agent_for_it_takes_it(model: RoutingModel) -> None:
    message = "Will it rain in Leeds tomorrow?"
    assert (await decide(model, message, Context())).by == "out_of_scope"

    examples = ["What is the weather like today?", "Will it rain tomorrow?", "How warm is it in Leeds?"]
    weather = AgentCard(
        id="weather",
        name="Weather",
        version="1",
        description="The weather",
        owner="tests",
        skills=[Skill(id="forecast", description="Tells the weather", examples=examples)],
        instructions="",
    )
    more = await RoutingModel.learned({**model.cards, "weather": weather}, model.embedder, model.speller.is_word)
    assert agents(await decide(more, message, Context())) == ["weather"]


async def test_thresholds_are_told_by_name(model: RoutingModel) -> None:
    assert thresholds(model)["familiarity at least"] > 0


async def test_the_development_set_is_decided_as_its_figures_say(model: RoutingModel) -> None:
    figures, outcomes = await evaluate_decisions(model.cards, messages_of(DEV_SET), topics=topics_of_services())

    assert figures["accuracy"] >= 0.94
    assert figures["multi_intent_exact"] >= 0.8
    assert figures["false_rejections"] <= 0.01
    assert figures["single_intent_extra_agent"] <= 0.03
    assert figures["out_of_scope_recall"] >= 0.85
    assert len(outcomes) == figures["messages"]


def test_a_crowd_is_made_up_around_the_real_agents(model: RoutingModel) -> None:
    assert len(crowded(model.cards, 10)) == 10
    assert model.cards.items() <= crowded(model.cards, 10).items()


async def test_cards_alone_decide_nearly_as_well(model: RoutingModel) -> None:
    right: list[bool] = []
    for each in messages_of(DEV_SET):
        route = await decide(model, each.text, each.context)
        right.append((frozenset(agents(route)) or frozenset({route.by})) in each.right)

    assert sum(right) >= 0.9 * len(right)


async def test_a_message_that_says_much_is_never_asked_back(full_model: RoutingModel) -> None:
    twin = full_model.cards["tech"].model_copy(update={"id": "twin", "name": "Twin"})
    both = await RoutingModel.learned(
        {**full_model.cards, "twin": twin}, full_model.embedder, full_model.speller.is_word, topics_of_services()
    )
    story = "My router has shown a red light since the storm on Sunday night and the children cannot do their homework"

    assert (await decide(both, story, Context())).by == "classifier"


async def test_a_doubtful_word_does_not_leave_the_agent_that_speaks(full_model: RoutingModel) -> None:
    for message in ("price each", "taken when", "and if nobody is home that day?"):
        route = await decide(full_model, message, after("tech", "An engineer comes on Monday."))
        assert agents(route) == ["tech"], message


@pytest.mark.parametrize(
    ("message", "talk"),
    [
        ("anybody home?", "greeting"),
        ("this bot is rubbish", "complaint"),
        ("what are you able to help with", "abilities"),
    ],
)
async def test_small_talk_in_other_words_is_learned(full_model: RoutingModel, message: str, talk: str) -> None:
    route = await decide(full_model, message, Context())

    assert (route.by, route.talk) == ("small_talk", talk)


async def test_matters_that_are_announced_reach_every_agent(full_model: RoutingModel) -> None:
    for message in (
        "two things: my router blinks red, and what is the due date of my invoice?",
        "1. how do I set up my esim 2. which phone has the best camera",
    ):
        assert len(agents(await decide(full_model, message, Context()))) == 2, message
