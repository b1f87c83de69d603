import random
from collections import Counter
from typing import Any

import pytest

from services.gateway.call import CallOwner, ModelCall
from services.gateway.policy.catalog import ModelCatalog
from services.gateway.policy.models import BreakerRule, Policy
from services.gateway.policy.planner import Planner, needs_of, share_of
from services.gateway.providers.port import KeyRefused, Throttled
from services.gateway.resilience.breaker import Breakers
from services.gateway.resilience.health import Health
from switchboard.contracts.errors import InvalidRequest, NotFound, TooLarge


def call(alias: str = "fast", *, conversation: str = "", **body: Any) -> ModelCall:
    whole = {"model": alias, "messages": [{"role": "user", "content": "hello"}], **body}
    return ModelCall("id", "chat", alias, whole, CallOwner(conversation=conversation), 20, 100)


class Planned:
    """A planner over deployments a, b, c of embedded providers."""

    def __init__(self, alias: dict[str, Any], **deployments: dict[str, Any]) -> None:
        named = {
            name: {"provider": "embedded", "model": f"model-{name}", **deployments.get(name, {})} for name in "abc"
        }
        aliases = {"fast": {"deployments": ["a", "b", "c"], **alias}, "small": {"deployments": ["c"]}}
        self.policy = Policy.model_validate({"version": 1, "deployments": named, "aliases": aliases})
        self.health, self.breakers = Health(), Breakers(BreakerRule())
        catalog = ModelCatalog(self.policy, {}, ("embedded",))
        self.planner = Planner(catalog, self.health, self.breakers, chance=random.Random(7))

    def order(self, asked: ModelCall | None = None) -> list[str]:
        return [each.target.name for each in self.planner.plan(asked or call()).links[0].candidates]

    def firsts(self, count: int) -> Counter[str]:
        return Counter(self.order()[0] for _ in range(count))


def test_priority_orders_by_number_and_then_as_the_file_does():
    assert Planned({}).order() == ["a", "b", "c"]
    assert Planned({}, a={"priority": 2}, c={"priority": 1}).order() == ["b", "c", "a"]


def test_who_does_not_know_our_key_is_asked_last_until_it_is_forgiven():
    planned = Planned({})
    planned.health.failed("a", 1, KeyRefused("no"))
    planned.health.failed("b", 1, Throttled("busy", retry_after_s=9, wait_s=9))
    assert planned.order() == ["c", "b", "a"]
    planned.health.forgive("a")
    assert planned.order() == ["a", "c", "b"]
    planned.health.failed("a", 1, KeyRefused("no"))
    planned.health.succeeded("a", 1)
    assert not planned.health.is_key_refused("a")


def test_weights_are_shares_of_the_first_places():
    firsts = Planned({"routing": "weighted"}, a={"weight": 6}, b={"weight": 3}).firsts(2000)
    assert firsts["a"] / 2000 == pytest.approx(0.6, abs=0.04)
    assert firsts["b"] / 2000 == pytest.approx(0.3, abs=0.04)


def test_active_active_takes_turns():
    assert Planned({"routing": "active_active"}).firsts(30) == {"a": 10, "b": 10, "c": 10}


def test_latency_prefers_the_quickest_and_tries_the_unknown_first_and_the_others_now_and_then():
    planned = Planned({"routing": "latency"})
    planned.health.succeeded("a", 100)
    planned.health.succeeded("b", 20)
    assert planned.firsts(1) == {"c": 1}
    planned.health.succeeded("c", 300)
    firsts = planned.firsts(1000)
    assert firsts["b"] > 900
    assert firsts["a"] + firsts["c"] > 10


def test_an_ewma_follows_what_changes():
    health = Health()
    for latency_ms in [100.0] * 20 + [10.0] * 20:
        health.succeeded("a", latency_ms)
    assert 10 <= (health.of("a").ewma_ms or 0) < 12


def test_who_answered_429_comes_last_until_its_time_is_over():
    planned = Planned({})
    planned.health.failed("a", 1, Throttled("busy", retry_after_s=5, wait_s=5))
    assert planned.order() == ["b", "c", "a"]
    planned.health.forgive("a")
    assert planned.order() == ["a", "b", "c"]


def test_a_canary_gets_its_share_by_a_stable_hash_and_the_others_never_begin_with_it():
    planned = Planned({"canary": {"deployment": "c", "percent": 5}, "deployments": ["a", "b"]})
    orders = {f"c{n}": planned.order(call(conversation=f"c{n}")) for n in range(2000)}
    firsts = Counter(order[0] for order in orders.values())
    assert firsts["c"] / 2000 == pytest.approx(0.05, abs=0.015)
    assert all(planned.order(call(conversation=name)) == order for name, order in list(orders.items())[:50])
    assert share_of(call(conversation="c1"), "x") != share_of(call(conversation="c1"), "y")


def test_a_canary_whose_circuit_is_open_gets_nothing():
    planned = Planned({"canary": {"deployment": "c", "percent": 100}, "deployments": ["a"]})
    assert planned.order() == ["c", "a"]
    planned.breakers.open("c", 30)
    assert planned.order() == ["a"]


def test_the_chain_names_its_steps():
    planned = Planned(
        {"deployments": ["a", "b"], "fallback": {"alias": "small"}, "cascade": {"first": "small"}},
        a={"region": "eu"},
        b={"region": "us"},
    )
    plan = planned.planner.plan(call())
    assert [[each.step for each in step.candidates] for step in plan.links] == [
        ["primary", "other_region"],
        ["smaller_model"],
    ]
    assert plan.cascade is not None
    assert plan.cascade.candidates[0].step == "cascade"


def test_what_a_call_needs_rules_deployments_out():
    planned = Planned(
        {}, a={"capabilities": ["chat"]}, b={"capabilities": ["chat", "tools"]}, c={"context_tokens": 100}
    )
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert planned.order(call(tools=tools)) == ["b"]
    assert planned.order() == ["a", "b"]
    assert needs_of({"messages": [{"content": [{"type": "image_url"}]}]}) == {"chat", "vision"}
    assert needs_of({"messages": [], "response_format": {"type": "json_schema"}}) == {"chat", "json_schema"}


def test_where_nothing_fits_the_caller_is_told():
    planned = Planned({"deployments": ["a"]}, a={"capabilities": ["chat"], "context_tokens": 100})
    with pytest.raises(InvalidRequest, match="tools"):
        planned.order(call(tools=[{}]))
    with pytest.raises(TooLarge):
        planned.order()
    with pytest.raises(NotFound):
        planned.planner.plan(call("nothing"))


def test_a_preference_replaces_chat_aliases_only():
    policy = Policy.model_validate(
        {
            "version": 1,
            "deployments": {"a": {"provider": "embedded"}},
            "aliases": {"fast": ["a"], "cheap": ["a"], "embedding": ["a"]},
        }
    )
    planner = Planner(ModelCatalog(policy, {}, ("embedded",)), Health(), Breakers(BreakerRule()))
    assert planner.preferred("fast", "cheap") == "cheap"
    assert planner.preferred("fast", "quality") == "fast"
    assert planner.preferred("embedding", "cheap") == "embedding"
