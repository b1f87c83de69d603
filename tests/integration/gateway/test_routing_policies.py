"""Which deployment a call goes to, by the policy; and how the policy changes while the gateway runs."""

import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import yaml
from gateway_processes import GatewayProcess, route_of, running, until, words_of
from gateway_site import Site


def deployments(site: Site, model: str, count: int, **headers: str) -> Counter[str]:
    return Counter(route_of(site.gateway.chat(model, headers=headers))["deployment"] for _ in range(count))


def test_active_active_takes_turns_and_weights_are_kept(site: Site) -> None:
    assert deployments(site, "both", 20) == {"main": 10, "other": 10}
    changed = site.policy["deployments"]
    site.follow(deployments={**changed, "main": {**changed["main"], "weight": 9}})
    assert 75 <= deployments(site, "weighted", 100)["main"] <= 99


def test_priority_keeps_to_the_lowest_number(site: Site) -> None:
    changed = site.policy["deployments"]
    site.follow(
        deployments={
            **changed,
            "main": {**changed["main"], "priority": 2},
            "other": {**changed["other"], "priority": 1},
        }
    )
    assert deployments(site, "fast", 5) == {"other": 5}


def test_latency_routing_prefers_the_quick_deployment(site: Site) -> None:
    site.main.follow(ttft_ms={"median": 120})
    deployments(site, "quickest", 6)
    assert deployments(site, "quickest", 30)["other"] >= 22


def test_a_canary_gets_a_stable_share_of_the_conversations(site: Site) -> None:
    first = [route_of(site.gateway.chat("tried", headers={"x-switchboard-conversation": f"c{n}"})) for n in range(40)]
    again = [route_of(site.replica.chat("tried", headers={"x-switchboard-conversation": f"c{n}"})) for n in range(40)]
    assert [each["deployment"] for each in first] == [each["deployment"] for each in again]
    assert 8 <= sum(each["step"] == "canary" for each in first) <= 32


def test_a_preference_chooses_among_the_chat_aliases_only(site: Site) -> None:
    assert route_of(site.gateway.chat("fast", headers={"X-Model-Preference": "cheap"}))["deployment"] == "small"
    assert route_of(site.gateway.chat("solo", headers={"X-Model-Preference": "cheap"}))["deployment"] == "main"
    wrong = site.gateway.chat("fast", headers={"X-Model-Preference": "best"})
    assert wrong.status_code == 400
    assert "fast, quality, cheap" in wrong.json()["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_cascade_takes_the_small_models_answer_unless_it_fails_a_check(site: Site, stream: bool) -> None:
    taken = site.gateway.chat("cascade", stream=stream)
    assert (route_of(taken)["step"], route_of(taken)["deployment"]) == ("cascade", "small")
    site.small.follow(script=[{"text": "I'm sorry, I can't help with that.", "when": "hello"}])
    refused = site.gateway.chat("cascade", stream=stream)
    assert (route_of(refused)["step"], route_of(refused)["deployment"]) == ("primary", "main")
    site.small.fail({"kind": "status", "status": 500})
    assert route_of(site.gateway.chat("cascade", stream=stream))["deployment"] == "main"


def test_a_scripted_tool_call_comes_through_whole_and_streamed(site: Site) -> None:
    call = {"name": "get_weather", "arguments": {"city": "Leeds"}}
    site.main.follow(script=[{"tool_calls": [call], "when": "weather"}])
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]
    told = site.gateway.chat("solo", "weather?", tools=tools).json()["choices"][0]
    assert told["finish_reason"] == "tool_calls"
    assert told["message"]["tool_calls"][0]["function"]["arguments"] == '{"city":"Leeds"}'
    assert '"name":"get_weather"' in site.gateway.chat("solo", "weather?", tools=tools, stream=True).text


def test_a_deployment_that_cannot_do_what_is_asked_is_left_out(site: Site) -> None:
    changed = site.policy["deployments"]
    main = {**changed["main"], "capabilities": ["chat"], "context_tokens": 3000}
    site.follow(deployments={**changed, "main": main})
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    assert route_of(site.gateway.chat("fast"))["deployment"] == "main"
    assert route_of(site.gateway.chat("fast", tools=tools))["deployment"] == "other"
    assert route_of(site.gateway.chat("fast", "x" * 20_000))["deployment"] == "other"
    assert site.gateway.chat("solo", tools=tools).status_code == 400
    assert site.gateway.chat("solo", "x" * 20_000).status_code == 413


def test_a_bad_policy_is_refused_with_its_line_and_the_old_one_stays(site: Site) -> None:
    good = yaml.safe_load(site.gateway.file.read_text())
    text = yaml.safe_dump(good)
    line = next(n for n, each in enumerate(text.splitlines(), 1) if each.startswith("  fast:"))
    site.gateway.file.write_text(text.replace("  fast:\n  - main", "  fast:\n  - nowhere"))
    until(lambda: site.gateway.admin("policy")["refused"] is not None, why="the change was not noticed")
    refused = site.gateway.admin("policy")["refused"]["message"]
    assert f"line {line + 1}" in refused
    assert "nowhere" in refused
    assert route_of(site.gateway.chat("fast"))["deployment"] == "main"
    good["aliases"]["fresh"] = ["other"]
    site.gateway.file.write_text(yaml.safe_dump(good))
    until(lambda: site.gateway.chat("fresh").status_code == 200, why="the good policy was not followed")
    assert site.gateway.admin("policy")["refused"] is None


def test_a_hangup_signal_and_the_admin_endpoint_read_the_policy_again(site: Site) -> None:
    before = site.gateway.admin("policy")["in_force_since"]
    site.gateway.signal(signal.SIGHUP)
    until(lambda: site.gateway.admin("policy")["in_force_since"] != before)
    site.gateway.file.write_text("version: 2\n")
    answer = httpx.post(f"{site.gateway.url}/admin/policy/reload")
    assert answer.status_code == 422
    assert "line 1" in answer.json()["refused"]["message"]


def test_a_new_policy_cuts_no_stream(site: Site) -> None:
    site.main.follow(ttft_ms={"median": 20}, tokens_per_s={"median": 20}, answer_tokens={"median": 30})
    with ThreadPoolExecutor(1) as threads:
        streamed = threads.submit(site.gateway.chat, "solo", stream=True)
        time.sleep(0.5)
        site.follow(aliases={**site.policy["aliases"], "solo": ["other"]})
        assert len(words_of(streamed.result().text).split()) == 30
    assert route_of(site.gateway.chat("solo"))["deployment"] == "other"


def test_providers_are_shown_with_their_state_latency_and_rates(site: Site) -> None:
    site.main.fail({"kind": "status", "status": 500, "times": 1}, {"kind": "status", "status": 429, "times": 1})
    for _ in range(4):
        site.gateway.chat("both")
    told = site.gateway.deployment("main")
    assert told["error_rate"] > 0
    assert told["throttled_rate"] > 0
    assert told["latency_ms_p50"] > 0
    assert (told["region"], told["model"], told["breaker"]) == ("eu", "big-1", "closed")
    assert site.gateway.admin("providers")["lanes"]["interactive"]["calls_max"] == 256


def test_a_simulated_provider_without_an_address_is_refused(site: Site) -> None:
    policy = {**site.policy, "providers": {**site.policy["providers"], "inside": {"kind": "simulated"}}}
    site.gateway.file.write_text(yaml.safe_dump(policy))
    refused = httpx.post(f"{site.gateway.url}/admin/policy/reload")
    assert refused.status_code == 422 and "base_url" in refused.json()["refused"]["message"]


def test_with_a_token_set_the_administration_asks_for_it(site: Site, tmp_path) -> None:
    guarded = GatewayProcess(tmp_path, "guarded", site.policy, SWITCHBOARD_GATEWAY_ADMIN_TOKEN="secret-token")
    with running(guarded):
        url = f"{guarded.url}/admin/providers"
        assert httpx.get(url).status_code == 401
        assert httpx.get(url, headers={"authorization": "Bearer wrong"}).status_code == 401
        assert httpx.get(url, headers={"authorization": "Bearer secret-token"}).status_code == 200
    sidecar = httpx.get(f"{site.gateway.url}/admin/providers", headers={"dapr-caller-app-id": "billing"})
    assert sidecar.status_code == 403
