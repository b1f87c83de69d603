"""The answer cache in the life of a turn: what is kept, what is found, what forgets it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from services.supervisor.caching.answers import AnswerCache
from switchboard.contracts.cards import AgentRegistration
from switchboard.contracts.degraded import BANNER
from switchboard.contracts.events import (
    AgentStarted,
    Citation,
    MessageDelta,
    ToolCalled,
    ToolReturned,
    TurnCompleted,
    TurnEvent,
    Usage,
)
from switchboard.contracts.turns import TurnRequest
from switchboard.sidecar.registry import AgentRegistry
from tests.unit.supervisor.conftest import BEN, CLEO, Script, System, card, failing

QUESTION = "Why is my invoice higher after I was charged?"
ANSWER = "You have 14 days [1]."
CITED = Citation(
    n=1, agent="billing", title="Paying", uri="kb://billing/paying#0-20@ab12", span="You have 14 days to pay."
)


def from_articles(text: str = ANSWER, **fields: Any) -> Script:
    async def script(request: TurnRequest) -> AsyncIterator[TurnEvent]:
        agent = "billing"
        yield AgentStarted(agent=agent, name="Billing")
        yield ToolCalled(agent=agent, call_id="a", name="search_knowledge", arguments={"query": request.message})
        yield ToolReturned(agent=agent, call_id="a", name="search_knowledge", ok=True, summary="Found", duration_ms=1.0)
        yield MessageDelta(agent=agent, text=text)
        for citation in fields.get("citations", [CITED]):
            yield citation
        usage = Usage(prompt_tokens=10, completion_tokens=5, model_calls=2, cost_picousd=1_000)
        told = {"citations": [CITED], "usage": usage, "from_articles": True, **fields}
        yield TurnCompleted(text=text, agents=[agent], **told)

    return script


async def settled(system: System) -> None:
    """What is being kept is kept."""
    await system.supervisor.answers.close()


async def ask(system: System, message: str = QUESTION, **more: Any) -> dict[str, Any]:
    answer = await system.ask(message, **more)
    assert answer.status_code == 200, answer.text
    await settled(system)
    return answer.json()


@pytest.fixture
def articles(system: System) -> System:
    system.specialists["billing"].script = from_articles()
    return system


async def test_the_same_question_again_gets_the_same_answer_for_nothing(articles: System):
    first, again = await ask(articles), await ask(articles, headers=BEN)
    assert not first["cache_hit"]
    assert first["cost_picousd"] == 1_000
    assert (again["text"], again["citations"]) == (first["text"], first["citations"])
    assert again["cache_hit"]
    assert (again["cost_picousd"], again["usage"]["model_calls"]) == (0, 0)
    assert (again["agents"], again["route"]["by"]) == (["billing"], "cache")
    assert len(articles.specialists["billing"].requests) == 1


async def test_it_streams_like_any_other(articles: System):
    await ask(articles)
    streamed = await articles.ask(QUESTION, headers={"Accept": "text/event-stream"})
    types = [line.removeprefix("event: ") for line in streamed.text.splitlines() if line.startswith("event: ")]
    assert types == [
        *("turn.started", "route.decided", "agent.started", "message.delta", "citation", "turn.completed"),
    ]


async def test_the_record_says_that_it_came_from_the_cache(articles: System):
    await ask(articles)
    again = await ask(articles)
    page = (
        await articles.api.get(
            f"/v1/conversations/{again['conversation_id']}", headers={"Authorization": "Bearer demo-aurora-ada"}
        )
    ).json()
    assert page["turns"][0]["cache_hit"]
    assert page["turns"][0]["cost_picousd"] == 0
    assert page["agent"] == "billing"


async def test_a_question_that_asks_the_same_in_other_words_gets_it(articles: System):
    await ask(articles)
    again = await ask(articles, "Please, why is my invoice higher after I was charged?")
    assert again["cache_hit"]


@pytest.mark.parametrize(
    "other",
    [
        "Why is my invoice of £200 higher after I was charged?",
        "Why is my invoice not higher after I was charged?",
    ],
)
async def test_what_a_guard_tells_apart_does_not(articles: System, other: str):
    await ask(articles)
    assert not (await ask(articles, other))["cache_hit"]


async def test_another_tenant_never_gets_it(articles: System):
    await ask(articles)
    assert not (await ask(articles, headers=CLEO))["cache_hit"]


@pytest.mark.parametrize(
    "fields",
    [{"from_articles": False}, {"confidence": "closest"}, {"citations": []}],
    ids=["a tool that reads data ran", "it is only the closest", "it cites nothing"],
)
async def test_what_is_not_anybodys_or_not_sure_is_not_kept(system: System, fields: dict[str, Any]):
    system.specialists["billing"].script = from_articles(**fields)
    await ask(system)
    assert not (await ask(system))["cache_hit"]


@pytest.mark.parametrize(
    "message", ["My number is 07700 900123, why is my invoice higher?", "Why is the invoice of ada@example.com higher?"]
)
async def test_a_question_with_somebodys_data_is_neither_kept_nor_looked_up(articles: System, message: str):
    await ask(articles, message)
    assert not (await ask(articles, message))["cache_hit"]


@pytest.mark.parametrize(
    "message",
    [
        "I asked why my invoice is higher after I was charged",
        "That's wrong. Why is my invoice higher after I was charged?",
        "Again: why is my invoice higher after I was charged?",
        "I still don't know why my invoice is higher after I was charged",
    ],
)
async def test_who_is_not_satisfied_gets_a_fresh_answer(articles: System, message: str):
    await ask(articles)
    assert not (await ask(articles, message))["cache_hit"]


async def test_what_leans_on_the_conversation_is_not_looked_up(articles: System):
    first = await ask(articles)
    follow = await ask(articles, "And why is that one higher?", conversation_id=first["conversation_id"])
    assert not follow["cache_hit"]


async def test_a_question_complete_in_itself_is_answered_in_the_middle_of_a_conversation(articles: System):
    first = await ask(articles)
    assert (await ask(articles, conversation_id=first["conversation_id"]))["cache_hit"]


async def test_what_was_answered_in_the_middle_of_a_conversation_is_not_kept(articles: System):
    first = await ask(articles, "I was charged twice for my invoice")
    await ask(articles, conversation_id=first["conversation_id"])
    assert not (await ask(articles))["cache_hit"]


async def test_a_client_may_want_a_fresh_answer(articles: System):
    await ask(articles)
    assert not (await ask(articles, headers={"Cache-Control": "no-cache"}))["cache_hit"]
    assert (await ask(articles))["cache_hit"]


async def test_a_client_may_want_its_answer_not_to_be_kept(articles: System):
    await ask(articles, headers={"Cache-Control": "no-store"})
    assert not (await ask(articles))["cache_hit"]


async def change_registration(system: System, change: Callable[[AgentRegistration], AgentRegistration]) -> None:
    registration = change(AgentRegistration(card=card("billing"), app_id="billing-app", instance="1"))
    await AgentRegistry(system.sidecar.state, system.sidecar.pubsub, registration).beat()
    await system.supervisor.directory.refresh()


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.model_copy(update={"revision": "of other articles"}),
        lambda one: one.model_copy(update={"card": one.card.model_copy(update={"instructions": "Be brief."})}),
    ],
    ids=["revision", "card"],
)
async def test_new_articles_or_a_new_card_forget_it(
    articles: System, change: Callable[[AgentRegistration], AgentRegistration]
):
    await ask(articles)
    await change_registration(articles, change)
    assert not (await ask(articles))["cache_hit"]


async def test_a_new_agent_forgets_it(articles: System):
    await ask(articles)
    await articles.add("delivery")
    assert not (await ask(articles))["cache_hit"]


@pytest.mark.parametrize("rated", ["first", "again"])
async def test_thumbs_down_takes_it_away(articles: System, rated: str):
    turns = {"first": await ask(articles), "again": await ask(articles)}
    turn = {name: turns[rated][name] for name in ("turn_id", "conversation_id")}
    given = await articles.api.post(
        "/v1/feedback", json={**turn, "rating": "down"}, headers={"Authorization": "Bearer demo-aurora-ada"}
    )
    assert given.status_code == 200
    assert not (await ask(articles))["cache_hit"]
    assert not (await ask(articles))["cache_hit"], "and it is not kept again"


async def test_while_nobody_answers_what_was_asked_before_is_told_under_a_banner(articles: System):
    await ask(articles)
    articles.specialists["billing"].script = failing("unavailable", "Not now.")
    offline = await ask(articles, headers={"Cache-Control": "no-cache"})
    assert offline["text"] == f"{BANNER}.\n\n{ANSWER}"
    assert offline["cache_hit"]
    assert offline["citations"]


async def test_without_anything_like_it_the_turn_fails_as_ever(articles: System):
    articles.specialists["billing"].script = failing("unavailable", "Not now.")
    assert (await articles.ask(QUESTION)).status_code == 503


async def test_what_broke_off_after_its_first_words_is_not_replaced(articles: System):
    await ask(articles)

    async def breaks_off(request: TurnRequest) -> AsyncIterator[TurnEvent]:
        yield MessageDelta(agent="billing", text="You have ")

    articles.specialists["billing"].script = breaks_off
    answer = await articles.ask(QUESTION, headers={"Cache-Control": "no-cache"})
    assert BANNER not in answer.text


async def test_a_cache_that_fails_is_a_miss(articles: System, monkeypatch: pytest.MonkeyPatch):
    from switchboard.contracts.errors import Unavailable

    async def fails(*_: Any) -> bool:
        raise Unavailable

    await ask(articles)
    monkeypatch.setattr(articles.supervisor.answers._entries, "knows", fails)
    assert (await ask(articles))["text"] == ANSWER
    assert isinstance(articles.supervisor.answers, AnswerCache)


async def test_two_arms_of_an_experiment_have_answers_of_their_own(articles: System):
    cache = articles.supervisor.answers
    asked = [
        cache.question("aurora", QUESTION, [], readable=str, agents=articles.supervisor.router.known, arm=arm)
        for arm in ("", "tone=brief", "tone=brief")
    ]
    places = [each.partition for each in asked if not isinstance(each, str)]
    assert len(places) == 3
    assert places[0] != places[1] == places[2]
    await asyncio.sleep(0)
