"""The life of an interactive turn."""

import orjson
import pytest

from switchboard.contracts.events import Usage
from tests.unit.supervisor.conftest import ADA, System, failing


async def test_a_question_is_answered_by_the_agent_that_it_is_for(system: System) -> None:
    answer = await system.ask("Why is my invoice higher?")

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["agents"] == ["billing"]
    assert body["text"] == "billing about: Why is my invoice higher?"
    assert body["route"]["by"] == "classifier"
    assert body["cost_picousd"] == body["usage"]["cost_picousd"] == 1_000_000_000


async def test_the_stream_tells_the_turn_in_order(system: System) -> None:
    answer = await system.ask("Why is my invoice higher?", headers={"Accept": "text/event-stream"})

    events = [orjson.loads(line[5:]) for line in answer.text.splitlines() if line.startswith("data:")]
    kinds = [event["type"] for event in events]
    assert kinds[:3] == ["turn.started", "route.decided", "agent.started"]
    assert set(kinds[3:-1]) == {"message.delta"}
    assert kinds[-1] == "turn.completed"
    assert "".join(event["text"] for event in events if event["type"] == "message.delta") == events[-1]["text"]
    ids = [line[4:] for line in answer.text.splitlines() if line.startswith("id: ")]
    assert ids == [f"{events[0]['turn_id']}:{n}" for n in range(1, len(events) + 1)]


async def test_the_next_turn_gets_the_history(system: System) -> None:
    first = (await system.ask("Why is my invoice higher?")).json()
    await system.ask("And the one before?", conversation_id=first["conversation_id"])

    request = system.specialists["billing"].requests[1]
    assert [each.text for each in request.history] == ["Why is my invoice higher?", first["text"]]
    assert request.turn_id == f"{first['conversation_id']}.2"
    page = (await system.api.get(f"/v1/conversations/{first['conversation_id']}", headers=ADA)).json()
    assert [turn["message"] for turn in page["turns"]] == ["Why is my invoice higher?", "And the one before?"]


async def test_what_a_customer_said_stays_though_the_turn_failed(system: System) -> None:
    first = (await system.ask("Why is my invoice higher?")).json()
    conversation = first["conversation_id"]
    working = system.specialists["billing"].script
    system.specialists["billing"].script = failing("unavailable", "The model is away.")
    assert (await system.ask("And the invoice of October?", conversation_id=conversation)).status_code == 503
    system.specialists["billing"].script = working
    await system.ask("Why is my invoice higher now?", conversation_id=conversation)

    request = system.specialists["billing"].requests[-1]
    assert [(each.role, each.text) for each in request.history] == [
        ("user", "Why is my invoice higher?"),
        ("assistant", first["text"]),
        ("user", "And the invoice of October?"),
    ]


async def test_a_question_for_two_agents_gets_one_answer_with_both(system: System) -> None:
    answer = (await system.ask("I was charged twice and my router blinks red")).json()

    assert answer["agents"] == ["billing", "tech"]
    assert "**Billing**\n\nbilling about: I was charged twice" in answer["text"]
    assert "**Tech**\n\ntech about: my router blinks red" in answer["text"]


@pytest.mark.parametrize(("calls", "cached", "hit"), [(2, 2, True), (2, 1, False), (0, 0, False)])
async def test_an_answer_whose_model_calls_all_came_from_a_cache_says_so_everywhere(
    system: System, calls: int, cached: int, hit: bool
) -> None:
    system.specialists["billing"].usage = Usage(model_calls=calls, cached_calls=cached)
    answer = (await system.ask("Why is my invoice higher?")).json()
    page = (await system.api.get(f"/v1/conversations/{answer['conversation_id']}", headers=ADA)).json()
    events = await system.api.get(f"/v1/turns/{answer['turn_id']}/events", headers=ADA)

    assert (answer["cache_hit"], page["turns"][0]["cache_hit"]) == (hit, hit)
    assert orjson.loads(events.text.splitlines()[-2][6:])["cache_hit"] is hit
