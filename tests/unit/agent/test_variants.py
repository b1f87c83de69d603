"""What a variant of an experiment changes for an agent: its instructions and its model, for one turn."""

from datetime import UTC, date, datetime, timedelta

from switchboard.agent.effects import Effects
from switchboard.agent.prompt import prompt_of
from switchboard.agent.tool_calls import FACTS_CHARACTERS_MAX, ToolCalls, facts_of
from switchboard.contracts.cards import AgentCard, Skill
from switchboard.contracts.events import ToolReturned, TurnEvent
from switchboard.contracts.tools import Offer, ToolOutcome
from switchboard.contracts.turns import Principal, TurnRequest, Variant
from switchboard.sidecar.inmemory import InMemorySidecar

CARD = AgentCard(
    id="kiosk",
    name="Kiosk",
    version="1",
    description="Sells",
    owner="tests",
    skills=[Skill(id="all", description="Sells", examples=["A newspaper please"])],
    instructions="Sell newspapers.",
)


def request(variant: Variant | None) -> TurnRequest:
    return TurnRequest(
        turn_id="c.1",
        conversation_id="c",
        agent="kiosk",
        principal=Principal(tenant="aurora", user="C-10001"),
        message="A newspaper please",
        deadline=datetime.now(UTC) + timedelta(seconds=30),
        variant=variant,
    )


async def unheard(_: TurnEvent) -> None:
    pass


def calls(variant: Variant | None) -> ToolCalls:
    return ToolCalls(CARD, {}, Effects(InMemorySidecar().state, lease_s=30), request(variant), unheard)


def test_a_variants_instructions_follow_the_cards() -> None:
    variant = Variant(experiment="x", name="kind", instructions="Be kind.")
    system = prompt_of(CARD, request(variant), None, date(2026, 11, 15))[0].text
    assert system.startswith("Sell newspapers.\n\nBe kind.\n\n")
    assert "Be kind." not in prompt_of(CARD, request(None), None, date(2026, 11, 15))[0].text


def test_a_variants_model_stands_in_the_place_of_the_cards() -> None:
    assert calls(Variant(experiment="x", name="big", model="quality")).model == "quality"
    assert calls(Variant(experiment="x", name="control")).model is None
    assert calls(None).model is None


def test_a_tools_result_tells_what_it_found_within_its_bound() -> None:
    offer = Offer(question="Would you like one?", tool="sell")
    assert facts_of(ToolOutcome(facts=["It costs £2.00."], offer=offer)) == ["It costs £2.00.", "Would you like one?"]
    long = facts_of(ToolOutcome(facts=["x" * 6_000, "y" * 6_000, "z"]))
    assert sum(map(len, long)) == FACTS_CHARACTERS_MAX
    assert ToolReturned(agent="a", call_id="b", name="c", ok=True, summary="", duration_ms=1).facts == []
