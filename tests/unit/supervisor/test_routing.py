"""Routing with the real embedding model and the real cards."""

from pathlib import Path

import pytest

from services.supervisor.routing.router import Router, RoutingDecision
from switchboard.contracts.agent_topics import AgentTopics, TopicText
from switchboard.contracts.cards import AgentRegistration, load_card
from switchboard.contracts.errors import Unavailable
from switchboard.contracts.turns import HistoryMessage
from switchboard.models import MiniLmEmbedder
from switchboard.models.caller import Caller
from switchboard.routing.decision import Context
from switchboard.sidecar.agent_topics import AgentTopicsStore
from switchboard.sidecar.inmemory import InMemorySidecar
from tests.unit.supervisor.conftest import WordEmbedder, card
from tests.unit.supervisor.routing_dev_set import FIRST_MESSAGES, FOLLOW_UPS

AGENTS = ("billing", "product", "tech")
RIGHT_MIN = 0.9
CALLER = Caller.internal(feature="routing")


@pytest.fixture
async def router() -> Router:
    made = Router(MiniLmEmbedder())
    cards = {agent: load_card(Path("services") / agent / "agent.yaml") for agent in AGENTS}
    await made.learn({agent: AgentRegistration(card=cards[agent], app_id=agent, instance="1") for agent in AGENTS})
    return made


def after(agent: str | None, words: str, question: str = "an earlier question") -> Context:
    said = [HistoryMessage(role="user", text=question), HistoryMessage(role="assistant", text=words, agent=agent)]
    return Context(agent, said)


def agents_of(decision: RoutingDecision) -> tuple[str, ...] | str:
    return tuple(each.agent.card.id for each in decision.assignments) or decision.by


async def test_first_messages_reach_the_right_agents(router: Router) -> None:
    wrong: list[str] = []
    for message, wanted in FIRST_MESSAGES:
        got = agents_of(await router.decide(message, Context(), caller=CALLER))
        if got != wanted and (isinstance(got, str) or isinstance(wanted, str) or sorted(got) != sorted(wanted)):
            wrong.append(f"{message!r}: {got} instead of {wanted}")
    assert len(wrong) <= (1 - RIGHT_MIN) * len(FIRST_MESSAGES), "\n".join(wrong)


async def test_follow_ups_stay_with_their_agent_and_new_subjects_leave_it(router: Router) -> None:
    wrong: list[str] = []
    for agent, words, message, wanted in FOLLOW_UPS:
        got = agents_of(await router.decide(message, after(agent, words), caller=CALLER))
        if got != wanted:
            wrong.append(f"{message!r} after {agent}: {got} instead of {wanted}")
    assert len(wrong) <= (1 - RIGHT_MIN) * len(FOLLOW_UPS), "\n".join(wrong)


async def test_the_answer_to_a_clarifying_question_brings_the_question_back(router: Router) -> None:
    asked = "Is it about **Billing** (…) or **Tech support** (…)?"
    decision = await router.decide("billing please", after(None, asked, "it is about my contract"), caller=CALLER)

    assert agents_of(decision) == ("billing",)
    assert decision.assignments[0].message == "it is about my contract"


async def test_a_yes_without_a_question_is_small_talk(router: Router) -> None:
    assert (await router.decide("yes", Context(), caller=CALLER)).by == "small_talk"


async def test_what_it_can_help_with_is_said_from_the_cards(router: Router) -> None:
    decision = await router.decide("What is the capital of France?", Context(), caller=CALLER)

    assert decision.by == "out_of_scope"
    assert all(name in decision.reply for name in ("Billing", "Tech support"))


async def test_topics_are_learned_when_their_digest_is_new_and_forgotten_with_it() -> None:
    store = AgentTopicsStore(InMemorySidecar().state)
    router = Router(WordEmbedder(), topics=store)
    told = AgentTopics((TopicText("locks", "Locksmith wanted"), TopicText("locks", "Locked myself outside")))
    plain = {agent: AgentRegistration(card=card(agent), app_id=agent, instance="1") for agent in AGENTS}
    telling = {**plain, "tech": plain["tech"].model_copy(update={"topics": told.digest})}

    async def asked() -> tuple[str, ...] | str:
        return agents_of(await router.decide("locked outside, locksmith wanted", Context(), caller=CALLER))

    with pytest.raises(Unavailable, match="tech"):  # the directory offers the agents again
        await router.learn(telling)
    assert [each.card.id for each in router.agents] == sorted(AGENTS)
    assert await asked() == "out_of_scope"

    await store.write("tech", told)
    await router.learn(telling)
    assert await asked() == ("tech",)

    await router.learn(plain)
    assert await asked() == "out_of_scope"
