"""What a caller sees when providers fail: retries, failover, breakers, timeouts, the fallback chain."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from gateway_processes import deltas_of, route_of, until, words_of
from gateway_site import Site

SECRET = "provider-secret"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
@pytest.mark.parametrize("stream", [False, True])
def test_a_deployment_that_fails_twice_is_asked_a_third_time(site: Site, status: int, stream: bool) -> None:
    site.main.fail({"kind": "status", "status": status, "times": 2})
    before = site.main.requests
    answer = site.gateway.chat("solo", stream=stream)
    assert answer.status_code == 200, answer.text
    assert route_of(answer)["attempts"] == "3"
    assert site.main.requests - before == 3


def test_after_three_attempts_the_caller_is_told_in_our_words(site: Site) -> None:
    site.main.fail({"kind": "status", "status": 500})
    before = site.main.requests
    answer = site.gateway.chat("solo")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert SECRET not in answer.text
    assert site.main.requests - before == 3


def test_a_request_that_is_wrong_is_neither_repeated_nor_sent_elsewhere(site: Site) -> None:
    site.main.fail({"kind": "status", "status": 400})
    before = site.main.requests, site.other.requests
    assert site.gateway.chat("fast").status_code == 422
    assert (site.main.requests, site.other.requests) == (before[0] + 1, before[1])


@pytest.mark.parametrize("stream", [False, True])
def test_a_refused_key_is_an_alert_and_goes_elsewhere(site: Site, stream: bool) -> None:
    site.main.fail({"kind": "status", "status": 401})
    before = site.main.requests
    steps = [route_of(site.gateway.chat("fast", stream=stream))["step"] for _ in range(3)]
    assert steps[0] == "other_region"
    assert site.main.requests == before + 1, "who does not know our key is asked last"
    assert site.gateway.deployment("main")["state"] == "key_refused"
    assert site.gateway.log.count("The deployment main cannot be used") >= 1
    alone = site.gateway.chat("solo", stream=stream)
    assert (alone.status_code, alone.json()["error"]["code"]) == (500, "bad_configuration")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("code", ["content_filter", "context_length_exceeded"])
def test_what_a_caller_can_act_on_has_a_code(site: Site, code: str, stream: bool) -> None:
    body = {"error": {"code": code, "message": SECRET}}
    site.main.fail({"kind": "status", "status": 400, "body": body})
    before = site.other.requests
    answer = site.gateway.chat("fast", stream=stream)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert SECRET not in answer.text
    assert site.other.requests == before


@pytest.mark.parametrize(
    "step",
    [{"text": "one two", "finish_reason": ""}, {"refusal": "no"}, {"text": ""}, {"text": "", "finish_reason": ""}],
)
def test_an_odd_end_of_a_stream_is_passed_on_and_settled(site: Site, step: dict[str, str]) -> None:
    site.main.follow(script=[step])
    answer = site.gateway.chat("solo", stream=True)
    assert answer.text.rstrip().endswith("[DONE]")
    assert words_of(answer.text) == step.get("text", "")
    assert "error" not in answer.text


def test_retry_after_is_waited_for_where_it_is_short(site: Site) -> None:
    site.main.fail({"kind": "status", "status": 429, "retry_after_s": 1, "times": 1})
    started = time.monotonic()
    assert site.gateway.chat("solo").status_code == 200
    assert time.monotonic() - started >= 1.0


def test_a_long_retry_after_is_the_callers_to_wait_for(site: Site) -> None:
    site.main.fail({"kind": "status", "status": 429, "retry_after_s": 30})
    before = site.main.requests
    answer = site.gateway.chat("solo")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "30"
    assert site.main.requests - before == 1
    assert site.gateway.deployment("main")["state"] == "throttled"


def test_a_throttled_deployment_is_passed_over_while_another_works(site: Site) -> None:
    site.main.fail({"kind": "status", "status": 429, "retry_after_s": 30})
    first, second = site.gateway.chat("fast"), site.gateway.chat("fast")
    assert (route_of(first)["attempts"], route_of(second)["attempts"]) == ("2", "1")
    assert route_of(second)["deployment"] == "other"


def test_the_retry_budget_bounds_what_a_failing_provider_gets(site: Site) -> None:
    site.follow(
        retry={"wait_s_first": 0.01, "wait_s_max": 0.02, "budget_percent": 0, "budget_min": 2},
        breaker={"failures": 1000},
    )
    site.main.fail({"kind": "status", "status": 500})
    time.sleep(10.1)  # the budget's window: retries of other tests are forgotten
    before = site.main.requests
    for _ in range(6):
        assert site.gateway.chat("solo").status_code == 503
    assert site.main.requests - before == 6 + 2


def test_a_stream_is_never_repeated_after_its_first_token(site: Site) -> None:
    site.main.fail({"kind": "cut", "after_tokens": 3})
    before = site.main.requests, site.other.requests
    answer = site.gateway.chat("fast", stream=True)
    assert answer.status_code == 200
    assert words_of(answer.text) == "alpha bravo charlie"
    assert deltas_of(answer.text)[-1]["error"]["type"] == "server_error"
    assert "[DONE]" not in answer.text
    assert (site.main.requests, site.other.requests) == (before[0] + 1, before[1])


def test_a_stream_that_breaks_before_its_first_token_goes_elsewhere_unseen(site: Site) -> None:
    site.main.fail({"kind": "cut", "after_tokens": 0})
    answer = site.gateway.chat("fast", stream=True)
    assert answer.text.rstrip().endswith("[DONE]")
    assert route_of(answer)["deployment"] == "other"
    assert "error" not in answer.text


@pytest.mark.parametrize("stream", [False, True])
def test_json_that_is_none_never_reaches_a_caller(site: Site, stream: bool) -> None:
    site.main.fail({"kind": "malformed", "after_tokens": 0})
    answer = site.gateway.chat("fast", stream=stream)
    assert answer.status_code == 200
    assert route_of(answer)["step"] == "other_region"
    assert SECRET not in answer.text
    site.main.fail({"kind": "malformed", "after_tokens": 2})
    assert SECRET not in site.gateway.chat("fast", stream=True).text


@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_that_hangs_is_left_after_the_time_to_the_first_token(site: Site, stream: bool) -> None:
    site.follow(timeouts={**site.policy["timeouts"], "first_token_s": 0.5, "answer_s": 0.5})
    site.main.fail({"kind": "hang"})
    started = time.monotonic()
    answer = site.gateway.chat("fast", stream=stream)
    assert time.monotonic() - started >= 0.4
    assert answer.status_code == 200
    assert route_of(answer)["step"] == "other_region"


def test_a_pause_between_tokens_ends_the_stream_with_an_error(site: Site) -> None:
    site.main.fail({"kind": "drip", "delay_ms": 20_000})
    started = time.monotonic()
    answer = site.gateway.chat("solo", stream=True)
    assert time.monotonic() - started >= 0.9
    assert words_of(answer.text) == "alpha"
    assert deltas_of(answer.text)[-1]["error"]["code"] == "deadline_exceeded"


def test_the_whole_call_has_a_bound_too(site: Site) -> None:
    site.follow(timeouts={**site.policy["timeouts"], "total_s": 1.5})
    site.main.fail({"kind": "drip", "delay_ms": 300})
    started = time.monotonic()
    answer = site.gateway.chat("solo", stream=True)
    assert time.monotonic() - started >= 1.3
    assert deltas_of(answer.text)[-1]["error"]["code"] == "deadline_exceeded"


def test_five_failures_open_the_breaker_of_all_replicas_and_one_probe_closes_it(site: Site) -> None:
    site.main.fail({"kind": "status", "status": 500})
    for _ in range(5):
        assert route_of(site.gateway.chat("fast"))["step"] == "other_region"
    assert site.gateway.deployment("main")["breaker"] == "open"
    until(lambda: site.replica.deployment("main")["breaker"] == "open", within_s=1.5, why="the replica was not told")

    before = site.main.requests
    assert route_of(site.replica.chat("fast"))["attempts"] == "1"
    assert site.gateway.chat("solo").status_code == 503
    assert site.main.requests == before, "an open circuit lets nothing through"

    site.main.fail({"kind": "drip", "delay_ms": 100, "times": 1})
    until(lambda: site.replica.deployment("main")["breaker"] == "half_open", within_s=6)
    with ThreadPoolExecutor(12) as threads:
        replicas = (site.gateway, site.replica) * 6
        answers = list(threads.map(lambda each: each.chat("fast"), replicas))
    assert {answer.status_code for answer in answers} == {200}
    assert site.main.requests - before == 1, "one probe, of both replicas together"
    for each in (site.gateway, site.replica):
        until(lambda each=each: each.deployment("main")["breaker"] == "closed", within_s=3)


def test_a_probe_that_fails_opens_the_breaker_again(site: Site) -> None:
    site.main.fail({"kind": "status", "status": 500})
    for _ in range(5):
        site.gateway.chat("fast")
    until(lambda: site.gateway.deployment("main")["breaker"] == "half_open", within_s=6)
    site.gateway.chat("fast")
    assert site.gateway.deployment("main")["breaker"] == "open"


@pytest.mark.alone
def test_when_the_primary_is_killed_nothing_unstreamed_is_lost_and_the_next_requests_are_quick(site: Site) -> None:
    site.main.follow(ttft_ms={"median": 30}, tokens_per_s={"median": 400})
    site.other.follow(ttft_ms={"median": 30}, tokens_per_s={"median": 400})
    stop = threading.Event()
    killed_at = 0.0
    taken: list[tuple[float, float]] = []
    lost: list[str] = []

    def ask() -> None:
        with httpx.Client(timeout=30) as client:
            body = {"model": "fast", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
            while not stop.is_set():
                started = time.monotonic()
                with client.stream("POST", f"{site.gateway.url}/v1/chat/completions", json=body) as answer:
                    first, text = 0.0, ""
                    for part in answer.iter_text():
                        first = first or time.monotonic()
                        text += part
                    if answer.status_code != 200 or not words_of(text):
                        lost.append(f"{answer.status_code} {text[:200]}")
                    taken.append((started, first - started))

    with ThreadPoolExecutor(8) as threads:
        asking = [threads.submit(ask) for _ in range(8)]
        time.sleep(1.5)
        killed_at = time.monotonic()
        site.main.kill()
        time.sleep(3)
        stop.set()
        for each in asking:
            each.result()
    site.main.start()
    site.main.wait_ready()
    after = sorted(first_s for started, first_s in taken if started >= killed_at)
    assert not lost
    assert len(after) > 50
    assert after[int(len(after) * 0.99)] <= 1.0


def test_the_chain_goes_over_the_other_region_and_a_smaller_model_to_a_polite_sentence(site: Site) -> None:
    down = {"kind": "status", "status": 503}
    steps = [route_of(site.gateway.chat("chain"))["step"]]
    for provider in (site.main, site.other, site.small):
        provider.fail(down)
        answer = site.gateway.chat("chain")
        assert answer.status_code == 200
        steps.append(route_of(answer)["step"])
    assert steps == ["primary", "other_region", "smaller_model", "message"]
    assert "ticket" in answer.json()["choices"][0]["message"]["content"]
    streamed = site.gateway.chat("chain", stream=True)
    assert "ticket" in words_of(streamed.text)
    assert streamed.text.rstrip().endswith("[DONE]")


def test_only_the_features_that_want_it_get_the_polite_sentence(site: Site) -> None:
    site.main.fail({"kind": "status", "status": 503})
    assert site.gateway.chat("chat-only").status_code == 503
    assert site.gateway.chat("chat-only", headers={"x-switchboard-feature": "chat"}).status_code == 200


def test_a_provider_without_a_listener_is_failed_over_at_once(site: Site) -> None:
    site.main.kill()
    try:
        answer = site.gateway.chat("fast", stream=True)
        assert (route_of(answer)["deployment"], route_of(answer)["attempts"]) == ("other", "2")
    finally:
        site.main.start()
        site.main.wait_ready()


def test_without_redis_each_replica_goes_on_by_itself(site: Site) -> None:
    site.redis.kill()
    try:
        site.main.fail({"kind": "status", "status": 500})
        for _ in range(5):
            assert site.gateway.chat("fast").status_code == 200
        assert site.gateway.deployment("main")["breaker"] == "open"
        until(lambda: not site.gateway.admin("providers")["breakers_shared"], within_s=5)
        assert site.replica.deployment("main")["breaker"] == "closed"
        assert "goes by its own circuit breakers" in site.gateway.log
    finally:
        site.redis.start()
        site.redis.wait_ready()
    until(lambda: site.gateway.admin("providers")["breakers_shared"], within_s=5)
