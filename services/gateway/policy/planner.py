"""Which deployments a call may go to, in which order: the policy's routing, canary, health and what the call needs."""

import hashlib
import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.gateway.call import ModelCall, StepName
from services.gateway.policy.catalog import ModelCatalog, Target
from services.gateway.policy.models import Alias, Canary, Capability
from services.gateway.resilience.breaker import Breakers
from services.gateway.resilience.health import Health
from switchboard.contracts.errors import InvalidRequest, TooLarge

EXPLORED_SHARE = 0.05
"""Of latency-routed calls that go to another deployment than the fastest, so that its figure stays fresh."""
PREFERRED = ("fast", "quality", "cheap")
"""The aliases that `X-Model-Preference` chooses among."""


@dataclass(frozen=True, slots=True)
class Candidate:
    target: Target
    step: StepName


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One link of the fallback chain: an alias and its candidates, the best first."""

    alias: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class CallPlan:
    """A cascade's small model first, if there is one; then the links of the chain, each with at least one candidate."""

    cascade: ChainLink | None
    links: tuple[ChainLink, ...]


class Planner:
    """Orders deployments. One for a policy in force."""

    def __init__(
        self, catalog: ModelCatalog, health: Health, breakers: Breakers, *, chance: random.Random | None = None
    ) -> None:
        self._catalog = catalog
        self._health = health
        self._breakers = breakers
        self._chance = chance or random.Random()
        self._turns: dict[str, itertools.count[int]] = {}

    def preferred(self, model: str, preference: str | None) -> str:
        """The alias to use: a preference replaces one of the three chat aliases by another, nothing else."""
        if preference is not None and model in PREFERRED and preference in self._catalog.policy.aliases:
            return preference
        return model

    def plan(self, call: ModelCall) -> CallPlan:
        """Raises `NotFound` for an unknown model, `TooLarge` or `InvalidRequest` where no deployment can serve it."""
        rule = self._catalog.policy.aliases.get(call.alias)
        main = self._link(call, call.alias, rule, None)
        if rule is None:
            return CallPlan(None, (main,))
        cascade = None
        if rule.cascade is not None and call.operation == "chat":
            first = rule.cascade.first
            cascade = self._optional(call, first, "cascade")
        smaller = self._optional(call, rule.fallback.alias, "smaller_model") if rule.fallback.alias else None
        return CallPlan(cascade, (main, smaller) if smaller is not None else (main,))

    def _optional(self, call: ModelCall, alias: str, named: StepName) -> ChainLink | None:
        """A link that is left out where nothing can serve it."""
        if not self._catalog.serves(alias):
            return None
        try:
            return self._link(call, alias, self._catalog.policy.aliases[alias], named)
        except (TooLarge, InvalidRequest):
            return None

    def _link(self, call: ModelCall, alias: str, rule: Alias | None, named: StepName | None) -> ChainLink:
        targets = _able(self._catalog.targets(alias), call)
        ordered = self._order(targets, alias, rule)
        canary = self._canary(rule.canary, call) if rule is not None and rule.canary is not None else None
        if canary is not None:
            ordered = [canary, *(each for each in ordered if each.name != canary.name)]
        elif rule is not None and rule.canary is not None and len(ordered) > 1:
            ordered = [each for each in ordered if each.name != rule.canary.deployment] or ordered
        # One that asked to be left alone comes last, and one that refused our key after it; one whose circuit is open is
        # passed over when it is its turn.
        ordered.sort(key=lambda each: (self._health.is_key_refused(each.name), self._health.is_cooling(each.name)))
        first = ordered[0]
        return ChainLink(
            alias,
            tuple(
                Candidate(each, named or ("canary" if each is canary else _step_of(each, first, canary)))
                for each in ordered
            ),
        )

    def _order(self, targets: Sequence[Target], alias: str, rule: Alias | None) -> list[Target]:
        routing = rule.routing if rule is not None else "priority"
        if len(targets) == 1:
            return list(targets)
        if routing == "weighted":
            # Keys of -ln(u)/weight put each deployment first with its weight's share (Efraimidis and Spirakis, 2006).
            return sorted(targets, key=lambda each: -math.log(1.0 - self._chance.random()) / each.deployment.weight)
        if routing == "active_active":
            turn = next(self._turns.setdefault(alias, itertools.count())) % len(targets)
            return [*targets[turn:], *targets[:turn]]
        if routing == "latency":
            return self._fastest_first(targets)
        return sorted(targets, key=lambda each: each.deployment.priority)

    def _fastest_first(self, targets: Sequence[Target]) -> list[Target]:
        ordered = sorted(targets, key=lambda each: self._health.of(each.name).ewma_ms or 0.0)  # not called yet: first
        if self._chance.random() < EXPLORED_SHARE:
            other = self._chance.randrange(1, len(ordered))
            ordered.insert(0, ordered.pop(other))
        return ordered

    def _canary(self, canary: Canary, call: ModelCall) -> Target | None:
        target = self._catalog.named(canary.deployment)
        if target is None or self._breakers.is_open(target.name) or share_of(call, canary.deployment) >= canary.percent:
            return None
        return target


def share_of(call: ModelCall, salt: str) -> float:
    """From 0 to below 100, the same for every call of a conversation; without one, of a user; else of the prompt."""
    caller = call.caller
    who = caller.conversation or (f"{caller.tenant}|{caller.user}" if caller.user != "anonymous" else call.id)
    digest = hashlib.blake2b(f"{salt}|{caller.tenant}|{who}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64 * 100


def _step_of(target: Target, first: Target, canary: Target | None) -> StepName:
    if target is first:
        return "primary"
    if first is canary or target.deployment.region == first.deployment.region:
        return "other_deployment"
    return "other_region"


def _able(targets: Sequence[Target], call: ModelCall) -> list[Target]:
    needed: set[Capability] = needs_of(call.body) if call.operation == "chat" else {"embeddings"}
    able = [each for each in targets if _has(each, needed)]
    if not able:
        raise InvalidRequest(f"No deployment of '{call.alias}' can do what is asked: {', '.join(sorted(needed))}.")
    tokens = call.prompt_tokens + call.completion_tokens_max
    fitting = [each for each in able if (each.deployment.context_tokens or tokens) >= tokens]
    if not fitting:
        raise TooLarge("The conversation is too long for the model.")
    return fitting


def _has(target: Target, needed: set[Capability]) -> bool:
    return target.deployment.capabilities is None or needed <= target.deployment.capabilities


def needs_of(body: dict[str, Any]) -> set[Capability]:
    """What a chat request asks of a deployment."""
    needed: set[Capability] = {"chat"}
    if body.get("tools"):
        needed.add("tools")
    if isinstance(body.get("response_format"), dict) and body["response_format"].get("type") == "json_schema":
        needed.add("json_schema")
    for message in body["messages"]:
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, list) and any(
            isinstance(part, dict) and part.get("type") == "image_url" for part in content
        ):
            needed.add("vision")
    return needed
