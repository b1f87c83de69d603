"""The asynchronous path of the real system: the same question, answered over pub/sub by the same specialist."""

import time

import httpx

from switchboard.testing.system import System

ADA = {"Authorization": "Bearer demo-aurora-ada"}
DONE_S_MAX = 20


def finished(api: httpx.Client, location: str) -> dict[str, object]:
    give_up = time.monotonic() + DONE_S_MAX
    while (job := api.get(location).json())["status"] == "running" and time.monotonic() < give_up:
        time.sleep(0.1)
    return job


def test_a_job_is_answered_by_the_specialist_that_the_chat_would_ask(system: System) -> None:
    message = "Why is my latest invoice higher than the one before?"
    with httpx.Client(base_url=system.url("supervisor"), headers=ADA, timeout=60) as api:
        chat = api.post("/v1/chat", json={"message": message}).json()
        accepted = api.post("/v1/jobs", json={"message": message})
        assert accepted.status_code == 202
        job = finished(api, accepted.headers["location"])

    assert job["status"] == "completed", job
    assert (job["agents"], job["text"]) == (chat["agents"], chat["text"])


def test_a_job_for_two_agents_becomes_one_answer(system: System) -> None:
    with httpx.Client(base_url=system.url("supervisor"), headers=ADA, timeout=60) as api:
        accepted = api.post("/v1/jobs", json={"message": "I was charged twice and my router blinks red"})
        job = finished(api, accepted.headers["location"])

    assert (job["status"], job["agents"]) == ("completed", ["billing", "tech"])
