"""Bad input and things that are down: always a problem with a sentence, never half a turn."""

import httpx
import pytest

from switchboard.contracts.errors import LimitExceeded, OurError, Unavailable, error_of_code
from tests.unit.supervisor.conftest import ADA, BEN, CLEO, System, failing


def check(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["code"] == code
    assert body["status"] == status
    assert len(str(body["message"])) > 10
    assert len(str(body["trace_id"])) == 32
    assert answer.headers["x-trace-id"] == body["trace_id"]
    return body


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "bad_request"),
        (b'{"message": "hi', 400, "bad_request"),
        (b"\xff\xfe", 400, "bad_request"),
        (b"[]", 422, "unprocessable"),
        (b"{}", 422, "unprocessable"),
        (b'{"message": ""}', 422, "unprocessable"),
        (b'{"message": "  \\n "}', 422, "unprocessable"),
        (b'{"message": 7}', 422, "unprocessable"),
        (b'{"message": "hi", "tenant": "borealis"}', 422, "unprocessable"),
        (b'{"message": "hi", "conversation_id": "a|b"}', 422, "unprocessable"),
        (b'{"message": "' + b"x" * 8_001 + b'"}', 413, "too_large"),
        (b'{"message": "' + b"x" * 1_000_000 + b'"}', 413, "too_large"),
    ],
)
async def test_a_body_that_is_not_right_is_told_so(system: System, content: bytes, status: int, code: str) -> None:
    for path in ("/v1/chat", "/v1/jobs"):
        check(await system.api.post(path, content=content, headers=ADA), status, code)


async def test_a_large_body_without_a_length_is_refused_too(system: System) -> None:
    async def chunks():
        for _ in range(100):
            yield b"x" * 10_000

    check(await system.api.post("/v1/chat", content=chunks(), headers=ADA), 413, "too_large")


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nope"}, {"Authorization": "demo-aurora-ada"}])
async def test_a_wrong_key_is_refused_everywhere(system: System, header: dict[str, str]) -> None:
    check(await system.api.post("/v1/chat", json={"message": "hi"}, headers=header), 401, "unauthenticated")
    for path in (
        "/v1/agents",
        "/v1/me",
        "/v1/conversations/x",
        "/v1/jobs/x.1",
        "/v1/turns/x.1/events",
        "/v1/sources?uri=x",
    ):
        check(await system.api.get(path, headers=header), 401, "unauthenticated")


async def test_an_unknown_conversation_is_not_found(system: System) -> None:
    check(await system.ask("hello", conversation_id="never-made"), 404, "not_found")


async def test_somebody_elses_conversation_looks_like_an_unknown_one(system: System) -> None:
    mine = (await system.ask("Why is my invoice higher?")).json()
    unknown = check(await system.ask("hello", conversation_id="never-made"), 404, "not_found")
    for stranger in (BEN, CLEO):
        for answer in (
            await system.ask("hello", conversation_id=mine["conversation_id"], headers=stranger),
            await system.api.get(f"/v1/conversations/{mine['conversation_id']}", headers=stranger),
        ):
            assert check(answer, 404, "not_found")["message"] == unknown["message"]
        check(await system.api.get(f"/v1/turns/{mine['turn_id']}/events", headers=stranger), 404, "not_found")
        check(await system.api.get(f"/v1/jobs/{mine['turn_id']}", headers=stranger), 404, "not_found")
    page = (await system.api.get(f"/v1/conversations/{mine['conversation_id']}", headers=ADA)).json()
    assert page["turn_count"] == 1


async def test_an_agent_that_is_down_is_named_and_the_turn_is_recorded_as_failed(system: System) -> None:
    first = (await system.ask("Why is my invoice higher?")).json()
    system.sidecar.detach("billing-app")

    problem = check(
        await system.ask("Show my last invoice", conversation_id=first["conversation_id"]), 503, "unavailable"
    )

    assert "Billing" in str(problem["message"])
    page = (await system.api.get(f"/v1/conversations/{first['conversation_id']}", headers=ADA)).json()
    assert [turn["status"] for turn in page["turns"]] == ["completed", "failed"]


async def test_an_agent_whose_heartbeat_stopped_is_missed_and_one_that_left_is_not(system: System) -> None:
    agents = {each.card.id: each for each in system.supervisor.router.agents if each.card.id != "billing"}
    await system.supervisor.router.learn(agents)
    check(await system.ask("Show my last invoice"), 503, "unavailable")

    await system.supervisor.router.forget("billing")
    assert (await system.ask("Show my last invoice")).json()["route"]["by"] == "out_of_scope"


async def test_what_the_specialist_says_went_wrong_reaches_the_client(system: System) -> None:
    system.specialists["billing"].script = failing("unavailable", "The model does not answer.")
    answer = await system.ask("Show my last invoice")

    assert check(answer, 503, "unavailable")["message"] == "The model does not answer."
    assert answer.headers["retry-after"] == "5"


async def test_a_stream_that_began_ends_with_turn_failed(system: System) -> None:
    system.specialists["billing"].script = failing("limit_exceeded", "Too much.")
    answer = await system.ask("Show my last invoice", headers={"Accept": "text/event-stream"})

    assert answer.status_code == 200
    assert '"type":"turn.failed","code":"limit_exceeded","message":"Too much."' in answer.text.splitlines()[-2]


async def test_an_agents_refusal_of_our_request_is_not_the_users_fault(system: System) -> None:
    system.specialists["billing"].refusal = (422, {"detail": "no such field"})
    check(await system.ask("Show my last invoice"), 503, "unavailable")


async def test_without_the_state_store_nothing_is_half_written(system: System) -> None:
    system.sidecar.state.down = True
    check(await system.ask("Show my last invoice"), 503, "unavailable")
    system.sidecar.state.down = False
    assert system.specialists["billing"].requests == []
    assert (await system.ask("Show my last invoice")).status_code == 200


async def test_an_agent_that_was_never_here_is_not_found(system: System) -> None:
    check(await system.ask("hello", agent="nobody"), 404, "not_found")


async def test_unknown_addresses_and_methods_are_problems(system: System) -> None:
    check(await system.api.get("/nowhere"), 404, "not_found")
    check(await system.api.get("/v1/chat"), 405, "method_not_allowed")
    check(await system.api.get("/v1/conversations/x?limit=0", headers=ADA), 422, "unprocessable")


async def test_readiness_names_what_does_not_answer(system: System) -> None:
    assert (await system.api.get("/readyz")).status_code == 200
    system.sidecar.detach("gateway")
    system.supervisor.readiness._read_at = float("-inf")
    answer = await system.api.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"sidecar": True, "statestore": True, "pubsub": True, "gateway": False}


def test_codes_map_back_to_their_errors() -> None:
    assert isinstance(error_of_code("limit_exceeded", "m"), LimitExceeded)
    assert isinstance(error_of_code("interrupted", "m"), Unavailable)
    assert type(error_of_code("who knows", "m")) is OurError
