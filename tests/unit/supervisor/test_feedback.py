"""Thumbs: whose they are, where they stand afterwards."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from switchboard.contracts.events import TurnEvent
from switchboard.contracts.turns import TurnRequest
from tests.unit.supervisor.conftest import ADA, BEN, CLEO, System

OPS = {"Authorization": "Bearer demo-aurora-ops"}


async def answered(system: System) -> dict[str, Any]:
    answer = await system.ask("Why is my invoice higher?")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def rate(system: System, turn: dict[str, Any], rating: str = "up", **more: Any) -> httpx.Response:
    headers = more.pop("headers", ADA)
    body = {"turn_id": turn["turn_id"], "conversation_id": turn["conversation_id"], "rating": rating, **more}
    return await system.api.post("/v1/feedback", json=body, headers=headers)


async def test_a_rating_stands_on_the_turn_with_its_comment(system: System) -> None:
    turn = await answered(system)
    given = await rate(system, turn, "down", comment="  The amount is wrong. ")
    assert given.status_code == 200, given.text
    assert (given.json()["rating"], given.json()["comment"]) == ("down", "The amount is wrong.")
    page = await system.api.get(f"/v1/conversations/{turn['conversation_id']}", headers=ADA)
    rating = page.json()["turns"][0]["rating"]
    assert (rating["rating"], rating["comment"]) == ("down", "The amount is wrong.")


async def test_the_last_rating_counts(system: System) -> None:
    turn = await answered(system)
    await rate(system, turn, "down")
    await rate(system, turn, "up", comment="Now I see")
    listed = (await system.api.get("/v1/feedback", headers=OPS)).json()["ratings"]
    assert [(each["turn_id"], each["rating"]) for each in listed] == [(turn["turn_id"], "up")]


async def test_nobody_rates_the_turn_of_somebody_else(system: System) -> None:
    turn = await answered(system)
    for stranger in (BEN, CLEO, OPS):
        refused = await rate(system, turn, headers=stranger)
        assert refused.status_code == 404
        assert refused.json()["message"] == "There is no such turn."
    assert (await rate(system, turn, headers={})).status_code == 401


async def test_a_rating_names_the_conversation_of_its_turn(system: System) -> None:
    turn = await answered(system)
    assert (await rate(system, {**turn, "conversation_id": "another"})).status_code == 404
    assert (await rate(system, {**turn, "turn_id": f"{turn['conversation_id']}.9"})).status_code == 404


async def test_wrong_ratings_are_refused_with_the_field(system: System) -> None:
    turn = await answered(system)
    for wrong in ({"rating": "sideways"}, {"rating": "up", "comment": "x" * 2_001}, {"rating": "up", "stars": 5}):
        body = {"turn_id": turn["turn_id"], "conversation_id": turn["conversation_id"], **wrong}
        refused = await system.api.post("/v1/feedback", json=body, headers=ADA)
        assert refused.status_code in (400, 422), refused.text


async def test_a_turn_that_still_runs_cannot_be_rated(system: System) -> None:
    gate, asked = asyncio.Event(), asyncio.Queue[TurnRequest]()
    billing = system.specialists["billing"]

    async def waits(request: TurnRequest) -> AsyncIterator[TurnEvent]:
        asked.put_nowait(request)
        await gate.wait()
        async for event in billing.say(request):
            yield event

    billing.script = waits
    asking = asyncio.create_task(system.ask("Why is my invoice higher?"))
    request = await asyncio.wait_for(asked.get(), 10)
    turn = {"turn_id": request.turn_id, "conversation_id": request.conversation_id}
    refused = await rate(system, turn)
    assert refused.status_code == 422
    assert "not complete yet" in refused.json()["message"]
    gate.set()
    await asking


async def test_the_list_of_ratings_is_for_operators_of_the_tenant(system: System) -> None:
    turn = await answered(system)
    await rate(system, turn)
    assert (await system.api.get("/v1/feedback", headers=ADA)).status_code == 403
    listed = (await system.api.get("/v1/feedback", headers=OPS)).json()["ratings"]
    assert set(listed[0]) == {"turn_id", "rating", "at"}, "nobody's words"


async def test_ratings_at_once_all_count(system: System) -> None:
    turns = [await answered(system) for _ in range(6)]
    given = await asyncio.gather(*(rate(system, turn) for turn in turns))
    assert [each.status_code for each in given] == [200] * 6
    listed = (await system.api.get("/v1/feedback", headers=OPS)).json()["ratings"]
    assert listed, "the index is a convenience: under many writers a line may be missing"


async def test_a_deleted_conversation_leaves_no_rating_behind(system: System) -> None:
    gone, kept = await answered(system), await answered(system)
    for turn in (gone, kept):
        await rate(system, turn, comment="words")
    deleted = await system.api.delete(f"/v1/conversations/{gone['conversation_id']}", headers=ADA)
    assert deleted.status_code in (200, 204), deleted.text
    listed = (await system.api.get("/v1/feedback", headers=OPS)).json()["ratings"]
    assert [each["turn_id"] for each in listed] == [kept["turn_id"]]


async def test_a_turn_that_was_filed_away_says_why_it_cannot_be_rated(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = await answered(system)

    async def not_hot(tenant: str, turn_id: str) -> None:
        return None

    monkeypatch.setattr(system.supervisor.conversations, "turn_item", not_hot)
    refused = await rate(system, turn)
    assert refused.status_code == 422
    assert "filed away" in refused.json()["message"]
    assert (await rate(system, turn, headers=BEN)).status_code == 404


async def reviews(system: System) -> list[dict[str, Any]]:
    listed = await system.api.get("/v1/feedback/review", headers=OPS)
    assert listed.status_code == 200, listed.text
    return listed.json()["reviews"]


async def test_a_bad_answer_is_on_the_review_list_with_its_transcript_without_personal_data(system: System) -> None:
    turn = await answered(system)
    asked = await system.ask("I'm Maria Lopez, C-10001: I was charged twice", conversation_id=turn["conversation_id"])
    await rate(system, asked.json(), "down", comment="Call me on 07700 900123")
    (listed,) = await reviews(system)
    assert (listed["turn_id"], listed["comment"]) == (asked.json()["turn_id"], "Call me on [number]")
    said = [each["message"] for each in listed["transcript"]]
    assert said == ["Why is my invoice higher?", "I'm [name], [id]: I was charged twice"]
    assert "Maria" not in listed["transcript"][1]["text"]


async def test_the_review_list_is_for_operators_of_the_tenant(system: System) -> None:
    turn = await answered(system)
    await rate(system, turn, "down")
    assert (await system.api.get("/v1/feedback/review", headers=ADA)).status_code == 403
    assert (await system.supervisor.reviews.newest("borealis")).reviews == []


async def test_a_turn_leaves_the_review_list_rated_anew_looked_at_or_deleted(system: System) -> None:
    turns = [await answered(system) for _ in range(3)]
    for turn in turns:
        await rate(system, turn, "down")
    await rate(system, turns[0], "up")
    await system.api.delete(f"/v1/feedback/review/{turns[1]['turn_id']}", headers=OPS)
    await system.api.delete(f"/v1/conversations/{turns[2]['conversation_id']}", headers=ADA)
    assert await reviews(system) == []
