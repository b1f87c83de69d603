"""What the tests of the gateway run against: two replicas, three providers, one Redis, and the policy they follow."""

import copy
from dataclasses import dataclass
from typing import Any

from gateway_processes import GatewayProcess, RedisProcess, SimulatedProvider


def policy_of(main: SimulatedProvider, other: SimulatedProvider, small: SimulatedProvider) -> dict[str, Any]:
    """Every alias that the tests use. Short times: nobody waits half a minute for a breaker in a test."""
    price = {"input": 1, "output": 2}
    return {
        "version": 1,
        "providers": {
            name: {"kind": "simulated", "base_url": f"{each.url}/v1"}
            for name, each in (("main", main), ("other", other), ("small", small))
        },
        "deployments": {
            "main": {"provider": "main", "model": "big-1", "region": "eu", "price": price},
            "other": {"provider": "other", "model": "big-1", "region": "us", "price": price},
            "small": {"provider": "small", "model": "small-1", "region": "eu", "price": price},
        },
        "aliases": {
            "solo": ["main"],
            "fast": ["main", "other"],
            "quality": ["main"],
            "cheap": ["small"],
            "chain": {"deployments": ["main", "other"], "fallback": {"alias": "cheap", "message": True}},
            "chat-only": {"deployments": ["main"], "fallback": {"message": True, "features": ["chat"]}},
            "weighted": {"deployments": ["main", "other"], "routing": "weighted"},
            "both": {"deployments": ["main", "other"], "routing": "active_active"},
            "quickest": {"deployments": ["main", "other"], "routing": "latency"},
            "tried": {"deployments": ["main"], "canary": {"deployment": "other", "percent": 50}},
            "cascade": {"deployments": ["main"], "cascade": {"first": "cheap"}},
        },
        "timeouts": {"connect_s": 1, "first_token_s": 2, "between_tokens_s": 1, "total_s": 8, "drain_s": 1},
        "callers": {"anonymous_tier": "internal"},
        "retry": {"wait_s_first": 0.05, "wait_s_max": 2, "budget_min": 1000},
        "breaker": {"failures": 5, "window_s": 60, "open_s": 2},
    }


@dataclass
class Site:
    """The processes. `policy` is what both replicas follow at the start of each test."""

    main: SimulatedProvider
    other: SimulatedProvider
    small: SimulatedProvider
    redis: RedisProcess
    gateway: GatewayProcess
    replica: GatewayProcess
    policy: dict[str, Any]

    def follow(self, **changed: Any) -> None:
        """Both replicas follow the policy with some of its keys replaced."""
        for each in (self.gateway, self.replica):
            each.follow({**copy.deepcopy(self.policy), **changed})


def all_closed(replica: GatewayProcess) -> bool:
    return {each["breaker"] for each in replica.admin("providers")["deployments"]} == {"closed"}
