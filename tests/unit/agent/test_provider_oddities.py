"""What a provider really sends, and what the customer reads: an agent against a scripted server of OpenAI's protocol."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from switchboard.agent import Agent, ToolContext, tool
from switchboard.agent.chat_service import CUT_OFF, GO_ON, OPEN_END
from switchboard.agent.loop import NO_ANSWER, REFUSED
from switchboard.contracts.events import MessageDelta, ToolReturned
from switchboard.contracts.tools import Offer, Passage, ToolOutcome
from switchboard.contracts.turns import HistoryMessage
from switchboard.models.gateway import CONVERSATION_TOO_LONG, MODEL_NOT_CONFIGURED
from switchboard.testing.agent import AgentProbe

FOLDER = Path(__file__).parent / "kiosk"
FAR = "Ulan Bator"
"""Where the articles say a lot about."""
FILTERED = {"status": 400, "code": "content_filter", "message": "secret of the provider"}
TOO_LONG = {"status": 400, "code": "context_length_exceeded", "message": "secret of the provider"}
NOTHING = [{"text": ""}, {"text": " \n "}, {"refusal": "I can't assist with that."}, FILTERED]
NOTHING += [{"text": "", "finish": "content_filter"}, {"text": "", "finish": "length"}, {"text": "", "finish": ""}]


class Kiosk:
    def __init__(self) -> None:
        self.bought: list[str] = []

    @tool(description="Tells the price of one ticket.")
    async def price(self, ctx: ToolContext, to: str = "Leeds") -> ToolOutcome:
        """Tell the price. Examples: "How much is it?" """
        passage = Passage(n=0, title="Prices", uri="kb://kiosk/p#0-9", text="Leeds: £3. " * (500 if to == FAR else 1))
        offer = Offer(question="Shall I buy it?", tool="buy", arguments={"to": to})
        return ToolOutcome(facts=[f"It costs £3 to {to}."], passages=[passage], offer=offer, data={"to": to, "via": ""})

    @tool
    async def buy(self, ctx: ToolContext, to: str) -> ToolOutcome:
        """Buy a ticket. Examples: "A ticket please" """
        self.bought.append(to)
        return ToolOutcome(facts=[f"Your ticket to {to} is bought."])

    @tool
    async def resell(self, ctx: ToolContext) -> ToolOutcome:
        """Sell a ticket back."""
        raise AssertionError("nobody approved this")

    @tool
    async def fail(self, ctx: ToolContext) -> ToolOutcome:
        """Fail."""
        raise AssertionError("nobody asked for this")


@pytest.fixture
def kiosk() -> Kiosk:
    return Kiosk()


@pytest.fixture
async def probe(kiosk: Kiosk, tmp_path: Path) -> AsyncIterator[AgentProbe]:
    async with AgentProbe(Agent(FOLDER, tools=lambda settings: kiosk), data_dir=tmp_path) as running:
        yield running


def called(name: str, **arguments: object) -> dict[str, object]:
    return {"tool_calls": [{"name": name, "arguments": arguments}]}


def messages(probe: AgentProbe, call: int = -1) -> list[dict[str, object]]:
    return probe.model.requests[call]["body"]["messages"]


# --- nothing, and refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", NOTHING, ids=str)
async def test_an_answer_that_says_nothing_is_asked_for_again(probe: AgentProbe, nothing: dict[str, object]) -> None:
    probe.script(nothing, {"text": "Here I am."})
    assert (await probe.ask("Hi")).completed.text == "Here I am."
    assert messages(probe, 0) == messages(probe, 1)


@pytest.mark.parametrize("nothing", NOTHING, ids=str)
async def test_twice_nothing_is_owned_up_to(probe: AgentProbe, nothing: dict[str, object]) -> None:
    probe.script(nothing, nothing)
    answer = await probe.ask("Hi")
    refused = "refusal" in nothing or "content_filter" in nothing.values()
    assert answer.completed.text == answer.text == (REFUSED if refused else NO_ANSWER)
    assert len(probe.model.requests) == 2


async def test_a_deed_that_was_done_is_told_though_the_model_says_nothing(probe: AgentProbe, kiosk: Kiosk) -> None:
    probe.script(called("buy", to="Leeds"), {"text": ""}, {"text": ""})
    assert (await probe.ask("A ticket to Leeds")).completed.text == "Your ticket to Leeds is bought."
    assert kiosk.bought == ["Leeds"]


async def test_words_before_a_call_are_an_answer(probe: AgentProbe) -> None:
    probe.script({"text": "It costs £3.", **called("price")}, {"text": ""}, {"text": ""})
    assert (await probe.ask("How much?")).completed.text == "It costs £3."


async def test_a_filter_in_the_middle_ends_the_answer_honestly(probe: AgentProbe) -> None:
    probe.script({"text": "Trains go often.", "finish": "content_filter"})
    assert (await probe.ask("Hi")).completed.text == f"Trains go often.\n\n{CUT_OFF}"
    assert len(probe.model.requests) == 1


# --- cut off, and too long ---------------------------------------------------------------------------------------


async def test_an_answer_at_the_most_tokens_is_gone_on_with_once(probe: AgentProbe) -> None:
    probe.script({"text": "The train to Leeds goes at", "finish": "length"}, {"text": "noon. Be early."})
    answer = await probe.ask("When, at noon?")
    assert answer.completed.text == answer.text == "The train to Leeds goes at noon. Be early."
    assert messages(probe)[-2:] == [
        {"role": "assistant", "content": "The train to Leeds goes at"},
        {"role": "user", "content": GO_ON},
    ]
    assert probe.model.requests[-1]["body"]["tool_choice"] == "none"
    assert answer.completed.usage.model_calls == 2


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"text": "noon. Be early. And bring", "finish": "length"}, "It goes at noon. Be early. "),
        ({"text": "noon. Be early.\n3. ", "finish": "length"}, "It goes at noon. Be early.\n"),
        ({"text": "noon and", "finish": "length"}, f"It goes at{OPEN_END}"),
        ({"status": 500}, f"It goes at{OPEN_END}"),
    ],
)
async def test_what_is_cut_off_twice_ends_at_a_whole_sentence(
    probe: AgentProbe, more: dict[str, object], told: str
) -> None:
    probe.script({"text": "It goes at", "finish": "length"}, more)
    assert (await probe.ask("When, at noon?")).completed.text == told


async def test_a_number_that_was_cut_in_two_is_one_number(probe: AgentProbe) -> None:
    probe.script({"text": "It costs £1", "finish": "length"}, {"text": "3.50."})
    assert (await probe.ask("Is it £13.50?")).completed.text == "It costs £13.50."


async def test_a_conversation_that_is_too_long_is_shortened(probe: AgentProbe) -> None:
    said = [HistoryMessage(role=role, text=f"{role} {n}") for n in range(3) for role in ("user", "assistant")]
    probe.script(TOO_LONG, TOO_LONG, {"text": "Here I am."})
    assert (await probe.ask("Hi", history=said)).completed.text == "Here I am."
    roles = [[str(each["role"]) for each in messages(probe, call)] for call in range(3)]
    assert roles[1] == ["system", "user", "assistant", "user"]
    assert roles[2] == ["system", "user"]
    assert messages(probe)[-1]["content"] == "Hi"


async def test_tool_results_are_shortened_last(probe: AgentProbe) -> None:
    probe.script(called("price", to=FAR), TOO_LONG, {"text": "It costs £3."})
    assert (await probe.ask("How much?")).completed.text == "It costs £3."
    before, after = (len(str(messages(probe, call)[-1]["content"])) for call in (1, 2))
    assert after < before / 2


async def test_what_cannot_be_shortened_is_told_to_the_customer(probe: AgentProbe) -> None:
    probe.script(*[TOO_LONG] * 9)
    failed = (await probe.ask("Hi")).failed
    assert (failed.code, failed.message) == ("too_large", CONVERSATION_TOO_LONG)
    assert len(probe.model.requests) == 1


async def test_a_refused_key_is_no_reason_to_try_again(probe: AgentProbe) -> None:
    probe.script({"status": 500, "code": "bad_configuration", "message": "secret of the provider"})
    failed = (await probe.ask("Hi")).failed
    assert (failed.code, failed.message) == ("bad_configuration", MODEL_NOT_CONFIGURED)
    assert "try again" not in failed.message


# --- tool calls --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", ["{broken", '{"to": "Lee', "[1]", '"Leeds"', "null", '{"to": null}', ""])
async def test_arguments_that_are_none_are_told_and_nothing_is_done(
    probe: AgentProbe, kiosk: Kiosk, arguments: str
) -> None:
    probe.script({"tool_calls": [{"name": "buy", "arguments": arguments}]}, {"text": "Where to?"})
    answer = await probe.ask("A ticket")
    assert (answer.completed.text, kiosk.bought) == ("Where to?", [])
    call, result = messages(probe)[-2:]
    assert isinstance(call["tool_calls"], list)
    echoed = call["tool_calls"][0]["function"]["arguments"]
    assert echoed in ("{}", '{"to": null}'), "a provider refuses what is no JSON object"
    assert result["tool_call_id"] == call["tool_calls"][0]["id"]


async def test_a_call_cut_off_at_the_most_tokens_is_not_run(probe: AgentProbe, kiosk: Kiosk) -> None:
    cut = {"tool_calls": [{"name": "buy", "arguments": '{"to": "Lee'}], "finish": "length"}
    probe.script(cut, called("buy", to="Leeds"), {"text": "Done."})
    assert (await probe.ask("A ticket to Leeds")).completed.text == "Done."
    assert kiosk.bought == ["Leeds"]


async def test_a_stream_without_a_finish_reason_is_an_answer(probe: AgentProbe) -> None:
    probe.script({**called("price"), "finish": ""}, {"text": "It costs £3.", "finish": ""})
    assert (await probe.ask("How much?")).completed.text == "It costs £3."


@pytest.mark.parametrize("name", ["nope", "functions.", "get price!", "", "a-b"])
async def test_a_tool_that_there_is_not_is_told_and_echoed_as_a_provider_takes_it(probe: AgentProbe, name: str) -> None:
    probe.script(called(name), {"text": "Sorry."})
    assert (await probe.ask("Hi")).completed.text == "Sorry."
    call, result = messages(probe)[-2:]
    assert isinstance(call["tool_calls"], list)
    assert call["tool_calls"][0]["function"]["name"].replace("_", "").replace("-", "").isalnum()
    assert "not part of the provided tools" in str(result["content"])


async def test_a_model_that_calls_what_there_is_not_for_ever_ends(probe: AgentProbe) -> None:
    probe.script(*[called("nope")] * 30)
    async with asyncio.timeout(20):
        answer = await probe.ask("Hi")
    assert answer.completed.text == NO_ANSWER
    assert len(probe.model.requests) < 12


async def test_a_null_for_what_may_be_left_out_is_left_out(probe: AgentProbe) -> None:
    probe.script(called("price", to=None), {"text": "It costs £3."})
    answer = await probe.ask("How much?")
    (returned,) = [event for event in answer.events if isinstance(event, ToolReturned)]
    assert (returned.ok, returned.facts[0]) == (True, "It costs £3 to Leeds.")


async def test_a_name_with_its_namespace_is_the_tools(probe: AgentProbe, kiosk: Kiosk) -> None:
    probe.script(called("functions.buy", to="Leeds"), {"text": "Done."})
    assert (await probe.ask("A ticket to Leeds")).completed.text == "Done."
    assert kiosk.bought == ["Leeds"]


# --- what is sent ------------------------------------------------------------------------------------------------


async def test_a_message_that_only_calls_has_null_for_its_content(probe: AgentProbe) -> None:
    probe.script(called("price"), {"text": "One moment.", **called("price")}, {"text": "It costs £3."})
    answer = await probe.ask("How much?")
    first, second = [each for each in messages(probe) if each["role"] == "assistant"]
    assert (first["content"], second["content"]) == (None, "One moment.")
    assert set(first) == {"role", "content", "tool_calls"}
    assert next(event.text for event in answer.events if isinstance(event, MessageDelta)).startswith("One")


async def test_an_outcome_is_told_without_what_no_model_needs(probe: AgentProbe) -> None:
    probe.script(called("price"), {"text": "It costs £3."})
    await probe.ask("How much?")
    told = str(messages(probe)[-1]["content"])
    assert '"offer":"Shall I buy it?"' in told
    assert '"data":{"to":"Leeds"}' in told
    assert "kb://" not in told and '"n":1' in told


async def test_the_prompt_is_one_system_message_and_two_sides_in_turn(probe: AgentProbe) -> None:
    probe.script(called("price"), {"text": "It costs £3. Shall I buy it?"})
    await probe.ask("How much?")
    said = [("user", "Hello?"), ("user", "How much?"), ("assistant", "It costs £3. Shall I buy it?")]
    probe.script({"text": "Gladly."})
    await probe.ask("yes", history=[HistoryMessage(role=role, text=text) for role, text in said])  # type: ignore[arg-type]
    system, *rest = messages(probe)
    assert [each["role"] for each in rest] == ["user", "assistant", "user"]
    assert rest[0]["content"] == "Hello?\n\nHow much?"
    assert 'pending_offer: {"question":"Shall I buy it?","tool":"buy","arguments":{"to":"Leeds"}}' in str(
        system["content"]
    )
