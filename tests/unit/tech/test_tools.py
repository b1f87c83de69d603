"""The tech agent's tools: what they say, what they offer, and whose data they see."""

import json
import re
from pathlib import Path

import pytest

from services.tech.policy import LED_MEANINGS
from services.tech.tools import TechTools
from switchboard.agent import AgentSettings, ToolContext
from switchboard.agent.tool import tools_of
from switchboard.contracts.cards import load_card
from switchboard.contracts.errors import ModelRetry
from switchboard.contracts.turns import Principal
from switchboard.demo.company import TODAY, company

CARD = load_card(Path(__file__).parents[3] / "services" / "tech" / "agent.yaml")


def context(user: str = "C-10001", tenant: str = "aurora", message: str = "", call: str = "a") -> ToolContext:
    return ToolContext(
        principal=Principal(tenant=tenant, user=user), turn_id="c.1", call_id=call, conversation_id="c", message=message
    )


@pytest.fixture
def tools(tmp_path: Path) -> TechTools:
    return TechTools.open(AgentSettings(data_dir=tmp_path, demo_today=TODAY))


async def test_diagnostics_tell_router_light_and_meaning_and_offer_a_ticket(tools: TechTools) -> None:
    outcome = await tools.run_line_diagnostics(context())
    status = company().line_status("C-10001")
    assert status is not None
    text = " ".join(outcome.facts)
    assert f"{status.router} is blinking red, which means {LED_MEANINGS['blinking red']}" in text
    assert "offline" in text
    assert "no known outage" in text
    assert outcome.offer is not None
    assert outcome.offer.tool == "open_ticket"
    assert "blinking red" in outcome.offer.arguments["problem"]
    assert outcome.offer.arguments.keys() == {"problem"}


async def test_diagnostics_of_every_customer_are_whole_sentences(tools: TechTools) -> None:
    for customer in company().customers:
        outcome = await tools.run_line_diagnostics(context(customer.id, customer.tenant))
        status = company().line_status(customer.id)
        assert outcome.facts
        assert all(re.fullmatch(r"[A-Z].*\.", fact) for fact in outcome.facts)
        if status is None:
            assert outcome.offer is None
            assert "no broadband" in outcome.facts[0]
        elif status.incident_id:
            assert outcome.offer is None
            assert status.incident_id in " ".join(outcome.facts)
        elif not status.online and status.led != "blinking green":
            assert outcome.offer is not None
        json.dumps(outcome.data)


async def test_the_offered_arguments_open_a_ticket(tools: TechTools) -> None:
    offer = (await tools.run_line_diagnostics(context())).offer
    assert offer is not None
    outcome = await tools.open_ticket(context(), **offer.arguments)
    found = re.search(r"I opened ticket (TCK-\d{6})", outcome.facts[0])
    assert found is not None
    read = await tools.get_ticket(context(), found[1])
    assert "blinking red" in read.facts[0]
    assert found[1] in " ".join((await tools.list_tickets(context())).facts)


async def test_the_same_call_again_gives_the_same_ticket(tools: TechTools) -> None:
    first = await tools.open_ticket(context(), "No signal at home")
    second = await tools.open_ticket(context(), "No signal at home")
    other = await tools.open_ticket(context(call="b"), "No signal at home")
    assert first == second
    assert first.facts != other.facts


async def test_another_customers_ticket_is_not_there(tools: TechTools) -> None:
    theirs = next(ticket for ticket in company().tickets if ticket.customer_id != "C-10001")
    outcome = await tools.get_ticket(context(), theirs.id)
    assert outcome.facts == [f"There is no ticket {theirs.id} on your account."]


async def test_devices_are_the_customers_own(tools: TechTools) -> None:
    text = " ".join((await tools.list_devices(context())).facts)
    mine = [device for device in company().devices if device.customer_id == "C-10001"]
    assert mine
    assert all(device.serial in text for device in mine)
    assert f"You have {len(mine)} device" in text


async def test_an_outage_is_told_with_its_number_and_end(tools: TechTools) -> None:
    incident = next(each for each in company().incidents if each.tenant == "aurora")
    outcome = await tools.check_outage(context(), f"the network in {incident.town.lower()}")
    assert incident.id in outcome.facts[0]
    assert f"{incident.expected_fix_at:%d %B, %H:%M}" in outcome.facts[0]


async def test_without_a_town_the_customers_own_is_checked(tools: TechTools) -> None:
    town = next(customer.town for customer in company().customers if customer.id == "C-10001")
    assert (await tools.check_outage(context())).facts == [f"There is no known outage in {town} at the moment."]
    assert "no network" in (await tools.check_outage(context(), "Atlantis")).facts[0]


async def test_a_ticket_is_offered_after_an_article_only_for_a_fault(tools: TechTools) -> None:
    offer = tools.knowledge_offer(context(message="My router blinks red"), "router blinks red")
    assert offer is not None
    assert offer.arguments == {"problem": "My router blinks red"}
    assert tools.knowledge_offer(context(message="How do I set up my eSIM?"), "set up esim") is None


def test_the_card_names_every_tool_and_only_opening_a_ticket_writes(tools: TechTools) -> None:
    names = {tool.name for tool in tools_of(tools)}
    assert names == set(CARD.tools)
    assert {name for name, rule in CARD.tools.items() if rule.risk != "read"} == {"open_ticket"}


def test_every_tool_has_examples_and_a_missing_problem_is_asked_for(tools: TechTools) -> None:
    by_name = {tool.name: tool for tool in tools_of(tools)}
    assert all("Examples: " in tool.description for tool in by_name.values())
    assert by_name["open_ticket"].required == {"problem"}
    assert by_name["open_ticket"].properties["problem"]["x-ask"] == "What should the ticket say is wrong?"
    with pytest.raises(ModelRetry):
        by_name["get_ticket"].validate({"ticket_id": "42"})


def test_the_card_has_many_and_different_examples() -> None:
    examples = [example for skill in CARD.skills for example in skill.examples]
    assert len(examples) >= 30
    assert len(set(examples)) == len(examples)
