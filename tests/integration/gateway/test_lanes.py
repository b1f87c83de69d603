"""Bulkheads: what one kind of caller does, others do not feel; and what a caller who leaves costs."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles

import httpx
import pytest
from gateway_processes import until, words_of
from gateway_site import Site

INTERACTIVE, BATCH = {"x-switchboard-lane": "interactive"}, {"x-switchboard-lane": "batch"}


def small_lanes(calls: int, queue: int, wait_s: float = 10.0) -> dict:
    lane = {"calls": calls, "queue": queue, "wait_s": wait_s}
    return {"lanes": {"interactive": {"calls": 100, "queue": 100}, "batch": lane}}


def test_beyond_its_queue_a_lane_refuses_with_503_and_when_to_come_back(site: Site) -> None:
    site.follow(bulkheads=small_lanes(2, 2))
    site.main.follow(ttft_ms={"median": 700})
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: site.gateway.chat("solo", headers=BATCH), range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [503] * 6
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers if answer.status_code == 503)


def test_a_place_in_the_queue_is_not_waited_for_without_end(site: Site) -> None:
    site.follow(bulkheads=small_lanes(1, 5, wait_s=0.4))
    site.main.follow(ttft_ms={"median": 2000})
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(site.gateway.chat, "solo", headers=BATCH)
        until(lambda: site.gateway.admin("providers")["lanes"]["batch"]["calls_now"] == 1)
        assert site.gateway.chat("solo", headers=BATCH).status_code == 503
        assert first.result().status_code == 200


def test_a_tier_has_its_own_places(site: Site) -> None:
    site.follow(bulkheads={"tiers": {"free": 1}})
    site.main.follow(ttft_ms={"median": 400})
    with ThreadPoolExecutor(4) as threads:
        started = time.monotonic()
        free = [threads.submit(site.gateway.chat, "solo", headers={"x-switchboard-tier": "free"}) for _ in range(2)]
        paid = threads.submit(site.gateway.chat, "solo", headers={"x-switchboard-tier": "professional"})
        paid.result()
        assert not all(each.done() for each in free), "two of the free tier do not run beside each other"
        assert {each.result().status_code for each in free} == {200}
    assert time.monotonic() - started >= 0.8


@pytest.mark.alone
def test_a_flood_in_the_batch_lane_is_not_felt_by_people(site: Site) -> None:
    site.follow(bulkheads=small_lanes(4, 500, wait_s=30))
    site.main.follow(ttft_ms={"median": 250})
    stop = threading.Event()

    def flood() -> None:
        with httpx.Client(timeout=60) as client:
            body = {"model": "solo", "messages": [{"role": "user", "content": "many"}]}
            while not stop.is_set():
                client.post(f"{site.gateway.url}/v1/chat/completions", json=body, headers=BATCH)

    def p95_ms() -> float:
        taken = []
        for _ in range(24):
            started = time.monotonic()
            assert site.gateway.chat("solo", headers=INTERACTIVE).status_code == 200
            taken.append((time.monotonic() - started) * 1000)
        return quantiles(taken, n=20)[-1]

    calm = p95_ms()
    with ThreadPoolExecutor(40) as threads:
        floods = [threads.submit(flood) for _ in range(40)]
        until(lambda: site.gateway.admin("providers")["lanes"]["batch"]["waiting"] > 10)
        flooded = p95_ms()
        stop.set()
        for each in floods:
            each.result()
    # 20 % is the goal; what other processes of a busy machine take comes on top of both.
    assert flooded <= calm * 1.2 + 50, f"p95 went from {calm:.0f} to {flooded:.0f} ms"


def test_a_caller_who_leaves_stops_the_provider(site: Site) -> None:
    site.follow(timeouts={**site.policy["timeouts"], "drain_s": 0})
    site.main.follow(tokens_per_s={"median": 20}, answer_tokens={"median": 100})
    before = site.main.served()["completion_tokens"]
    body = {"model": "solo", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
    with httpx.stream("POST", f"{site.gateway.url}/v1/chat/completions", json=body) as answer:
        words_of(next(answer.iter_text()))
    until(lambda: site.gateway.admin("providers")["lanes"]["interactive"]["calls_now"] == 0)
    time.sleep(0.3)
    told = site.main.served()["completion_tokens"]
    time.sleep(0.5)
    assert site.main.served()["completion_tokens"] == told, "the provider goes on for nobody"
    assert told - before < 60
