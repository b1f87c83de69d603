"""A specialist's turn through Semantic Kernel, against the scripted model over HTTP."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path

import pytest

from switchboard.agent import Agent, AgentSettings, ToolContext, tool
from switchboard.contracts.errors import ModelRetry, ToolError
from switchboard.contracts.events import ApprovalRequired, Citation, ToolCalled, ToolReturned
from switchboard.contracts.tools import Offer, ToolOutcome
from switchboard.contracts.turns import HistoryMessage, TurnResult
from switchboard.sidecar import keys
from switchboard.testing.agent import AgentProbe

FOLDER = Path(__file__).parent / "kiosk"
EARLIER = [HistoryMessage(role="user", text="Hi"), HistoryMessage(role="assistant", text="Shall I buy it?")]


class KioskTools:
    def __init__(self) -> None:
        self.bought: list[str] = []
        self.contexts: list[ToolContext] = []

    @tool
    async def price(self, ctx: ToolContext) -> ToolOutcome:
        """Tell the price. Examples: "How much is it?" """
        self.contexts.append(ctx)
        return ToolOutcome(
            facts=["It costs £3."], offer=Offer(question="Shall I buy it?", tool="buy", arguments={"to": "Leeds"})
        )

    @tool
    async def buy(self, ctx: ToolContext, to: str) -> ToolOutcome:
        """Buy a ticket. Examples: "A ticket please" """
        self.bought.append(ctx.call_id)
        return ToolOutcome(facts=[f"Ticket {len(self.bought)} to {to}."])

    @tool
    async def resell(self, ctx: ToolContext) -> ToolOutcome:
        """Sell a ticket back. Examples: "I want my money" """
        raise AssertionError("nobody approved this")

    @tool
    async def fail(self, ctx: ToolContext, how: str) -> ToolOutcome:
        """Fail. Examples: "Fail" """
        if how == "slow":
            await asyncio.sleep(10)
        raise {"tool": ToolError("The printer is out of paper."), "retry": ModelRetry("Say which train.")}.get(
            how, RuntimeError("password=hunter2")
        )


TOOLS = KioskTools()


@pytest.fixture
def tools() -> KioskTools:
    TOOLS.__init__()
    return TOOLS


@pytest.fixture
async def probe(tools: KioskTools, tmp_path: Path) -> AsyncIterator[AgentProbe]:
    async with AgentProbe(Agent(FOLDER, tools=lambda settings: tools), data_dir=tmp_path) as running:
        yield running


def called(name: str, **arguments: object) -> dict[str, object]:
    return {"tool_calls": [{"name": name, "arguments": arguments}]}


async def test_the_answer_follows_the_tools_result_and_its_usage_is_summed(
    probe: AgentProbe, tools: KioskTools
) -> None:
    probe.script(called("price"), {"text": "That is three pounds."})
    answer = await probe.ask("How much?")

    types = [kind for kind, _ in groupby(event.type for event in answer.events)]
    assert types == ["agent.started", "tool.called", "tool.result", "message.delta", "turn.completed"]
    assert answer.completed.text == answer.text == "That is three pounds."
    assert answer.completed.usage.model_calls == 2
    assert answer.completed.cost_picousd == answer.completed.usage.cost_picousd == 200_000_000
    assert answer.completed.usage.cached_calls == 0
    assert '"facts":["It costs £3."]' in probe.read_by_model()
    assert tools.contexts[0].principal.user == "C-10001"


async def test_the_model_reads_the_instructions_as_they_stand_and_the_tools_by_their_names(probe: AgentProbe) -> None:
    probe.script({"text": "Hello."})
    await probe.ask("Hi")
    body = probe.model.requests[-1]["body"]
    assert body["messages"][0]["content"].startswith("You sell {{tickets}}.")
    offered = {each["function"]["name"]: each["function"] for each in body["tools"]}
    assert set(offered) == {"price", "buy", "resell", "fail", "search_knowledge"}
    assert offered["buy"]["parameters"] == {
        "type": "object",
        "properties": {"to": {"type": "string"}},
        "required": ["to"],
        "additionalProperties": False,
    }
    assert offered["buy"]["description"].startswith("Buy a ticket. It changes data")
    assert offered["price"]["description"] == "Tell the price."
    assert "Examples" not in str(body["tools"])


async def test_a_redelivered_turn_pays_once(probe: AgentProbe, tools: KioskTools) -> None:
    request = probe.request("A ticket to Leeds")
    for _ in range(2):
        probe.script(called("buy", to="Leeds"), {"text": "Done."})
        await probe.send(request)
        assert "Ticket 1 to Leeds" in probe.read_by_model()
    assert len(tools.bought) == 1


async def test_two_equal_calls_of_one_turn_are_two(probe: AgentProbe, tools: KioskTools) -> None:
    probe.script({"tool_calls": [{"name": "buy", "arguments": {"to": "Leeds"}}] * 2}, {"text": "Two tickets."})
    await probe.ask("Two tickets to Leeds")
    assert len(set(tools.bought)) == 2


async def test_what_needs_approval_is_not_done_and_the_model_is_told(probe: AgentProbe) -> None:
    probe.script(called("resell"), {"text": "A person must approve this."})
    answer = await probe.ask("I want my money")
    assert any(isinstance(event, ApprovalRequired) and event.name == "resell" for event in answer.events)
    assert "a person must approve" in probe.read_by_model()


@pytest.mark.parametrize(
    ("how", "told"),
    [("tool", "The printer is out of paper."), ("retry", "Say which train."), ("other", ToolError.default)],
)
async def test_the_model_is_told_when_a_tool_fails_and_goes_on(probe: AgentProbe, how: str, told: str) -> None:
    probe.script(called("fail", how=how), {"text": "Sorry."})
    answer = await probe.ask("Fail")
    returned = next(event for event in answer.events if isinstance(event, ToolReturned))
    assert (returned.ok, answer.text) == (False, "Sorry.")
    assert told in probe.read_by_model()
    assert "hunter2" not in probe.read_by_model() + str(answer.events)


async def test_the_model_is_told_about_bad_arguments_and_unknown_tools(probe: AgentProbe) -> None:
    calls = [{"name": "buy", "arguments": {"to": 3}}, {"name": "nope"}, {"name": "buy", "arguments": "{broken"}]
    probe.script({"tool_calls": calls}, {"text": "Sorry."})
    answer = await probe.ask("A ticket")
    assert answer.text == "Sorry."
    read = probe.read_by_model()
    assert "to: Input should be a valid string" in read
    assert "`nope` is not part of the provided tools" in read
    assert "malformed" in read


async def test_an_offer_is_kept_for_the_next_turn_and_cleared_after_it(probe: AgentProbe) -> None:
    key = keys.pending("aurora", "probe", "kiosk")
    probe.script(called("price"), {"text": "Shall I buy it?"})
    await probe.ask("How much?")
    assert await probe.sidecar.state.get(key) is not None

    probe.script(called("buy", to="Leeds"), {"text": "Done."})
    await probe.ask("yes please", history=EARLIER)
    assert (
        'pending_offer: {"question":"Shall I buy it?","tool":"buy","arguments":{"to":"Leeds"}}' in probe.read_by_model()
    )
    assert await probe.sidecar.state.get(key) is None


async def test_an_offer_stays_open_over_a_question_about_it_and_ends_with_its_deed(probe: AgentProbe) -> None:
    key = keys.pending("aurora", "probe", "kiosk")
    probe.script(
        called("price"), called("search_knowledge", query="when is a ticket refunded"), {"text": "Shall I buy it?"}
    )
    await probe.ask("How much, and can I give it back?")
    assert await probe.sidecar.state.get(key) is not None
    probe.script({"text": "It takes two hours."})
    await probe.ask("How long does it take?", history=EARLIER)
    assert await probe.sidecar.state.get(key) is not None
    probe.script(called("buy", to="Leeds"), {"text": "Done."})
    await probe.ask("go for it then", history=EARLIER)
    assert await probe.sidecar.state.get(key) is None


async def test_a_citation_is_what_the_answer_marks(probe: AgentProbe) -> None:
    probe.script(
        called("search_knowledge", query="when is a ticket refunded"), {"text": "One hour before [1]. Not [7]."}
    )
    answer = await probe.ask("Refund?", tenant="aurora")
    (citation,) = answer.citations
    assert [event.n for event in answer.events if isinstance(event, Citation)] == [1]
    found = (await probe.client.post("/agent/sources", json={"uri": citation.uri, "tenant": "aurora"})).json()
    assert found["text"][found["start"] : found["end"]] == citation.span
    assert citation.span == "A ticket is refunded until one hour before the train leaves."


async def test_no_tenant_reads_the_article_of_another(probe: AgentProbe) -> None:
    probe.script(called("search_knowledge", query="when is a ticket refunded"), {"text": "I do not know."})
    await probe.ask("Refund?", tenant="borealis")
    assert "one hour" not in probe.read_by_model()
    uri = "kb://kiosk/refunds#0-5"
    refused = await probe.client.get("/agent/sources", params={"uri": uri, "tenant": "borealis"})
    assert refused.status_code == 404
    assert refused.headers["content-type"] == "application/problem+json"
    posted = await probe.client.post("/agent/sources", json={"uri": uri, "tenant": "borealis"})
    assert posted.status_code == 404


@pytest.mark.parametrize("body", [{}, {"tenant": ""}, {"tenant": None}])
async def test_a_source_is_told_to_no_one_without_a_tenant(probe: AgentProbe, body: dict[str, str | None]) -> None:
    uri = "kb://kiosk/refunds#0-5"
    assert (await probe.client.post("/agent/sources", json={"uri": uri, **body})).status_code == 422
    assert (await probe.client.get("/agent/sources", params={"uri": uri})).status_code == 422


async def test_a_turn_ends_at_its_limit_of_tool_calls(probe: AgentProbe) -> None:
    probe.script(*[called("price")] * 10)
    answer = await probe.ask("How much?")
    assert answer.failed.code == "limit_exceeded"
    assert len([event for event in answer.events if isinstance(event, ToolCalled)]) == 3


async def test_a_turn_ends_at_its_limit_of_tokens(probe: AgentProbe) -> None:
    probe.script(called("price"), {"text": "no"})
    answer = await probe.ask("How much? " + "x" * 7_900)
    assert answer.failed.code == "limit_exceeded"
    assert "tool.called" not in [event.type for event in answer.events]


async def test_a_turn_ends_at_its_deadline(probe: AgentProbe) -> None:
    probe.script(called("fail", how="slow"))
    answer = await probe.ask("Fail", seconds=0.2)
    assert answer.failed.code == "deadline_exceeded"


async def test_the_words_of_a_provider_that_fails_stay_inside(probe: AgentProbe) -> None:
    for status, code in [(500, "unavailable"), (400, "unavailable"), (429, "limit_exceeded")]:
        probe.script({"status": status, "message": "secret of the provider"})
        answer = await probe.ask("Hi")
        assert answer.failed.code == code
        assert "secret" not in answer.failed.message


async def test_an_event_on_the_agents_topic_gives_a_result_and_twice_the_same(
    probe: AgentProbe, tools: KioskTools
) -> None:
    results: list[TurnResult] = []
    request = probe.request("A ticket to Leeds")
    publish = probe.sidecar.pubsub.publish

    async def listening(topic: str, data: dict[str, object]) -> None:
        if topic == "turns.results":
            results.append(TurnResult.model_validate(data))
        await publish(topic, data)

    probe.sidecar.pubsub.publish = listening  # type: ignore[method-assign]
    for _ in range(2):
        probe.script(called("buy", to="Leeds"), {"text": "Done."})
        await probe.sidecar.pubsub.publish("agent.kiosk.turns", request.model_dump(mode="json"))
        await probe.sidecar.pubsub.drained()
    assert [(result.status, result.text, result.agent) for result in results] == [("completed", "Done.", "kiosk")] * 2
    assert len(tools.bought) == 1


async def test_the_agent_registers_when_it_is_ready_and_leaves_when_it_stops(tools: KioskTools, tmp_path: Path) -> None:
    async with AgentProbe(Agent(FOLDER, tools=lambda settings: tools), data_dir=tmp_path) as probe:
        async with asyncio.timeout(5):
            while (item := await probe.sidecar.state.get(keys.agent("kiosk"))) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert item.value["card"]["id"] == "kiosk"
        card = (await probe.client.get("/.well-known/agent-card.json")).json()
        assert (card["name"], card["skills"][0]["examples"]) == ("Kiosk", ["A ticket please"])
        state = probe.sidecar.state
    assert await state.get(keys.agent("kiosk")) is None


async def test_a_turn_for_an_expired_deadline_fails_without_asking_the_model(probe: AgentProbe) -> None:
    request = probe.request("Hi").model_copy(update={"deadline": datetime.now(UTC) - timedelta(seconds=1)})
    answer = await probe.send(request)
    assert answer.failed.code == "deadline_exceeded"
    assert not probe.model.requests


def test_settings_point_the_model_client_at_the_gateway_through_the_sidecar() -> None:
    settings = AgentSettings(dapr_http_port=3501, gateway_app_id="gateway-t1")
    assert settings.model_base_url == "http://127.0.0.1:3501/v1.0/invoke/gateway-t1/method/v1"


async def test_a_model_that_may_cost_money_is_not_warmed(probe: AgentProbe) -> None:
    await asyncio.sleep(0.2)
    assert not probe.model.requests


async def test_the_embedded_model_is_shown_the_tools_at_start(tools: KioskTools, tmp_path: Path) -> None:
    agent = Agent(FOLDER, tools=lambda settings: tools)
    agent.card = agent.card.model_copy(update={"model": "scripted"})
    running = AgentProbe(agent, data_dir=tmp_path)
    running.model.owner = "embedded"
    async with running, asyncio.timeout(5):
        while not running.model.requests:  # noqa: ASYNC110 - it happens in the background, told to no one
            await asyncio.sleep(0.01)
        (request,) = running.model.requests
    assert request["body"]["max_tokens"] == 1
    assert request["headers"]["x-switchboard-tier"] == "internal"
    assert {each["function"]["name"] for each in request["body"]["tools"]} >= {"price", "buy"}
    assert not tools.contexts


@pytest.mark.parametrize("nothing", ["", " \n\n "])
async def test_a_model_that_says_nothing_is_asked_once_more(probe: AgentProbe, nothing: str) -> None:
    probe.script({"text": nothing}, {"text": "Here I am."})
    answer = await probe.ask("Hi")
    assert (answer.text, answer.completed.text) == ("Here I am.", "Here I am.")
    assert answer.completed.usage.model_calls == 2, "the customer's money was spent twice"
    first, second = (request["body"]["messages"] for request in probe.model.requests)
    assert first == second


@pytest.mark.parametrize("nothing", ["", " \n\n "])
async def test_what_the_tools_found_is_told_for_a_model_that_says_nothing_twice(
    probe: AgentProbe, nothing: str
) -> None:
    probe.script(called("price"), {"text": nothing}, {"text": nothing})
    assert (await probe.ask("How much?")).completed.text == "It costs £3."
    assert len(probe.model.requests) == 3


async def test_a_model_that_said_all_before_its_tool_call_has_answered(probe: AgentProbe) -> None:
    probe.script({"text": "It costs £3.", **called("price")}, {"text": ""}, {"text": ""})
    assert (await probe.ask("How much?")).completed.text == "It costs £3."


async def test_calls_that_a_cache_answered_are_counted(probe: AgentProbe) -> None:
    probe.script(called("price"), {"text": "Three pounds.", "cache": "exact"})
    usage = (await probe.ask("How much?")).completed.usage
    assert (usage.model_calls, usage.cached_calls) == (2, 1)


async def test_every_model_call_says_whose_it_is(probe: AgentProbe) -> None:
    requests = [probe.request("How much?", user=f"C-1000{n}") for n in range(4)]
    await asyncio.gather(*(probe.send(request) for request in requests))
    told = Counter(
        (each["headers"]["x-switchboard-user"], each["headers"]["x-switchboard-turn"]) for each in probe.model.requests
    )
    assert told == {(request.principal.user, request.turn_id): 2 for request in requests}
    assert {each["headers"]["x-switchboard-agent"] for each in probe.model.requests} == {"kiosk"}


async def test_an_agent_knows_the_real_day_unless_it_is_given_another(tools: KioskTools, tmp_path: Path) -> None:
    for today in (None, date(2031, 2, 3)):
        async with AgentProbe(Agent(FOLDER, tools=lambda settings: tools), data_dir=tmp_path, today=today) as running:
            before = datetime.now(UTC).date()
            await running.ask("How much?")
            days = {today} if today else {before, datetime.now(UTC).date()}
            assert any(f"Today is {day.isoformat()}." in running.read_by_model() for day in days)


async def test_articles_are_valid_by_the_agents_day(tools: KioskTools, tmp_path: Path) -> None:
    for today, found in ((date(2026, 6, 30), True), (date(2026, 7, 1), False)):
        async with AgentProbe(Agent(FOLDER, tools=lambda settings: tools), data_dir=tmp_path, today=today) as running:
            running.script(called("search_knowledge", query="summer discount on tickets"), {"text": "I do not know."})
            await running.ask("Is there a summer discount?")
            assert ("ten per cent" in running.read_by_model()) is found
