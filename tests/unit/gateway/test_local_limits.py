"""The limits of one process, which hold while Redis is away: the same rules as the shared ones."""

import uuid
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.call import CallOwner, ModelCall
from services.gateway.money.budgets import BudgetsPolicy, HardBudget
from services.gateway.money.limits.demand import Demand, Refusal
from services.gateway.money.limits.local import SCOPES_MAX, LocalHold, LocalLimits
from services.gateway.money.limits.shared import SharedLimits
from services.gateway.money.limits.tiers import Allowed, LimitsPolicy, Rules, TierAllowance
from switchboard.contracts.errors import LimitExceeded

UNBOUNDED = TierAllowance()
NO_BUDGET = HardBudget()


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def demand(allowance: TierAllowance = UNBOUNDED, **changes: Any) -> Demand:
    values: dict[str, Any] = {
        "id": uuid.uuid4().hex,
        "tenant": "aurora",
        "user": "ada",
        "turn": "",
        "conversation": "",
        "tokens": 10,
        "is_stream": False,
        "cost_picousd": 0,
        "cheaper_picousd": 0,
        "allowed": Allowed("free", allowance, allowance),
        "tenant_budget": BudgetsPolicy().tenant,
        "turn_budget": NO_BUDGET,
        "conversation_budget": NO_BUDGET,
    }
    return Demand(**{**values, **changes})


@given(
    tokens_max=st.integers(1, 500),
    requests_max=st.integers(1, 20),
    steps=st.lists(st.tuples(st.integers(1, 100), st.floats(0, 20), st.integers(0, 120)), max_size=60),
)
def test_no_window_ever_holds_more_than_the_limit(
    tokens_max: int, requests_max: int, steps: list[tuple[int, float, int]]
):
    clock = Clock()
    limits = LocalLimits(clock=clock)
    allowance = TierAllowance(requests_per_minute=requests_max, tokens_per_minute=tokens_max)
    passed: list[tuple[float, int]] = []
    for tokens, pause_s, spent in steps:
        clock.now += pause_s
        asked = demand(allowance, tokens=tokens)
        held = limits.reserve(asked)
        if isinstance(held, LocalHold):
            used = min(spent, tokens)
            limits.settle(asked, held, tokens=used, picousd=0, ms=0)
            passed.append((clock.now, used))
        else:
            assert held.wait_ms > 0
        for start, _ in passed:
            inside = [used for at, used in passed if start <= at < start + 60]
            assert len(inside) <= requests_max
            assert sum(inside) <= tokens_max


def test_a_refusal_says_when_the_next_request_passes():
    clock = Clock()
    limits = LocalLimits(clock=clock)
    allowance = TierAllowance(requests_per_minute=1)
    assert isinstance(limits.reserve(demand(allowance)), LocalHold)
    clock.now += 10
    refused = limits.reserve(demand(allowance))
    assert isinstance(refused, Refusal)
    clock.now += refused.wait_ms / 1000
    assert isinstance(limits.reserve(demand(allowance)), LocalHold)


def test_streams_are_counted_until_they_are_settled():
    limits = LocalLimits()
    allowance = TierAllowance(streams=1)
    first = demand(allowance, is_stream=True)
    held = limits.reserve(first)
    assert isinstance(held, LocalHold)
    assert isinstance(limits.reserve(demand(allowance, is_stream=True)), Refusal)
    limits.settle(first, held, tokens=0, picousd=0, ms=0)
    assert isinstance(limits.reserve(demand(allowance, is_stream=True)), LocalHold)


def test_a_turns_money_counts_what_runs_and_what_ran():
    limits = LocalLimits()
    budget = HardBudget(usd=Decimal("0.001"), calls=3)
    ask = {"turn": "c.1", "turn_budget": budget, "cost_picousd": 600_000_000}
    first = demand(**ask)
    held = limits.reserve(first)
    assert isinstance(held, LocalHold)
    assert isinstance(limits.reserve(demand(**ask)), Refusal)
    limits.settle(first, held, tokens=5, picousd=100_000_000, ms=10)
    assert isinstance(limits.reserve(demand(**ask)), LocalHold)


def test_what_is_remembered_is_bounded():
    limits = LocalLimits()
    for n in range(SCOPES_MAX + 10):
        limits.reserve(demand(TierAllowance(requests_per_minute=1), tenant=f"t{n}"))
    assert len(limits._windows) == SCOPES_MAX


class Free:
    def estimate(self, alias: str, prompt_tokens: int, completion_tokens: int) -> int:
        return 0


async def test_without_redis_a_replica_keeps_the_limits_itself():
    limits = SharedLimits(lambda: Rules(LimitsPolicy(), BudgetsPolicy()), Free(), None)
    await limits.open()
    refused = 0
    for n in range(12):
        call = ModelCall(str(n), "chat", "fast", {}, CallOwner(tenant="t", user="u"), 10, 10)
        try:
            await (await limits.admit(call)).settle(0, 5)
        except LimitExceeded as error:
            refused += 1
            assert error.retry_after_s
    assert refused == 2
    await limits.close()
