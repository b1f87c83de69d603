"""The shared limits on a real Redis."""

import asyncio
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.gateway.call import ModelCall
from services.gateway.money.budgets import BudgetsPolicy, HardBudget
from services.gateway.money.limits.demand import QuotaExceeded
from services.gateway.money.limits.shared import Reserved, SharedLimits
from services.gateway.money.limits.tiers import Allowance, LimitsPolicy, TierAllowance
from tests.integration.money.conftest import a_call, limiter, new_tenant

TIERS = LimitsPolicy()
FREE = 0


async def attempt(limits: SharedLimits, call: ModelCall) -> Reserved | QuotaExceeded:
    try:
        return await limits.admit(call)
    except QuotaExceeded as refusal:
        return refusal


async def test_a_free_tenant_gets_ten_requests_a_minute_and_is_told_when_to_come_back(redis_port: int):
    tenant = new_tenant()
    async with limiter(redis_port, TIERS) as limits:
        for _ in range(10):
            await (await limits.admit(a_call(tenant))).settle(FREE, 10)
        with pytest.raises(QuotaExceeded) as refused:
            await limits.admit(a_call(tenant))
    assert refused.value.status == 429
    assert refused.value.retry_after_s is not None and 30 <= refused.value.retry_after_s <= 61
    assert refused.value.exceeded == {
        "whose": "tenant",
        "what": "requests",
        "limit": 10,
        "used": 10,
        "unit": "requests a minute",
    }


async def test_tokens_are_reserved_before_the_call_and_reconciled_after_it(redis_port: int):
    tenant = new_tenant()
    async with limiter(redis_port, TIERS) as limits:
        held = await limits.admit(a_call(tenant, tokens=9_000))
        with pytest.raises(QuotaExceeded) as refused:
            await limits.admit(a_call(tenant, tokens=2_000))
        assert refused.value.exceeded["what"] == "tokens"
        await held.settle(FREE, 200)
        again = await limits.admit(a_call(tenant, tokens=9_800))
        with pytest.raises(QuotaExceeded):
            await limits.admit(a_call(tenant, tokens=1))
        await again.settle(FREE, 10_000)  # more than was reserved: the next caller pays for it
        with pytest.raises(QuotaExceeded) as refused:
            await limits.admit(a_call(tenant, tokens=1))
        assert refused.value.exceeded["used"] == 10_200


async def test_a_second_settlement_of_a_call_changes_nothing(redis_port: int):
    tenant = new_tenant()
    async with limiter(redis_port, TIERS) as limits:
        held = await limits.admit(a_call(tenant, tokens=10_000))
        await held.settle(FREE, 4_000)
        held.is_settled = False  # as a message that is sent again
        await held.settle(FREE, 0)
        with pytest.raises(QuotaExceeded) as refused:
            await limits.admit(a_call(tenant, tokens=7_000))
        assert refused.value.exceeded["used"] == 4_000


async def test_streams_are_capped_over_replicas_and_freed_when_they_end(redis_port: int):
    tenant = new_tenant()
    async with limiter(redis_port, TIERS) as one, limiter(redis_port, TIERS) as two:
        held = await one.admit(a_call(tenant, stream=True))
        with pytest.raises(QuotaExceeded) as refused:
            await two.admit(a_call(tenant, stream=True))
        assert refused.value.exceeded["what"] == "streams"
        await two.admit(a_call(tenant))  # an answer in one piece is no stream
        await held.settle(FREE, 0)  # sent, not waited for; what the same replica sends next is answered after it
        await one.admit(a_call(tenant))
        await two.admit(a_call(tenant, stream=True))


async def test_the_stream_of_a_gateway_that_died_is_freed_when_its_lease_ends(redis_port: int):
    tenant = new_tenant()
    async with limiter(redis_port, TIERS) as survivor:
        async with limiter(redis_port, TIERS, lease_s=3.0) as dying:
            await dying.admit(a_call(tenant, stream=True))
        with pytest.raises(QuotaExceeded):
            await survivor.admit(a_call(tenant, stream=True))
        await asyncio.sleep(3.2)
        await survivor.admit(a_call(tenant, stream=True))


async def test_the_stream_of_a_gateway_that_lives_keeps_its_lease(redis_port: int):
    tenant = new_tenant()
    async with limiter(redis_port, TIERS, lease_s=3.0) as one, limiter(redis_port, TIERS) as two:
        held = await one.admit(a_call(tenant, stream=True))
        await asyncio.sleep(4.5)
        with pytest.raises(QuotaExceeded):
            await two.admit(a_call(tenant, stream=True))
        await held.settle(FREE, 0)


async def test_what_was_used_comes_back_when_the_window_has_passed(redis_port: int):
    tenant = new_tenant()
    async with limiter(redis_port, TIERS, window_s=3.0, bucket_s=0.3) as limits:
        for _ in range(10):
            await limits.admit(a_call(tenant, tokens=1_000))
        with pytest.raises(QuotaExceeded) as refused:
            await limits.admit(a_call(tenant))
        assert refused.value.retry_after_s in (1, 2, 3, 4)
        await asyncio.sleep(3.7)
        await limits.admit(a_call(tenant, tokens=10_000))


async def test_a_users_limit_holds_beside_the_tenants(redis_port: int):
    tenant = new_tenant()
    contract = TierAllowance(requests_per_minute=100, user=Allowance(requests_per_minute=2))
    async with limiter(redis_port, LimitsPolicy(contracts={tenant: contract})) as limits:
        for user in ("ada", "ada", "ben"):
            await limits.admit(a_call(tenant, user=user))
        with pytest.raises(QuotaExceeded) as refused:
            await limits.admit(a_call(tenant, user="ada"))
        assert refused.value.exceeded["whose"] == "user"
        await limits.admit(a_call(tenant, user="ben"))


async def test_internal_callers_are_never_limited(redis_port: int):
    tenant = new_tenant()
    async with limiter(redis_port, TIERS) as limits:
        for _ in range(15):
            await limits.admit(a_call(tenant, tokens=10_000, tier="internal"))


async def test_tenants_whose_names_hold_separators_do_not_share_a_count(redis_port: int):
    async with limiter(redis_port, TIERS) as limits:
        for tenant in ("a:b", "a", "a:b:free", "{gateway}"):
            await limits.admit(a_call(tenant, tokens=10_000, user="b:c"))


async def test_a_call_that_would_pass_a_turns_budget_is_not_made(redis_port: int):
    tenant = new_tenant()
    budgets = BudgetsPolicy(turn=HardBudget(tokens=1_000, calls=3), conversation=HardBudget(usd=Decimal("0.002")))
    async with limiter(redis_port, TIERS, budgets) as limits:
        first = await limits.admit(a_call(tenant, tokens=600, turn="c.1", conversation="c"))
        with pytest.raises(QuotaExceeded) as refused:  # what runs already may need its tokens
            await limits.admit(a_call(tenant, tokens=600, turn="c.1", conversation="c"))
        assert refused.value.exceeded["whose"] == "turn" and not refused.value.retryable
        await first.settle(200_000_000, 200)
        for _ in range(2):
            await (await limits.admit(a_call(tenant, tokens=100, turn="c.1"))).settle(FREE, 2)
        with pytest.raises(QuotaExceeded) as refused:
            await limits.admit(a_call(tenant, tokens=1, turn="c.1"))
        assert refused.value.exceeded["what"] == "calls"
        await limits.admit(a_call(tenant, tokens=900, turn="c.2", conversation="c"))
        with pytest.raises(QuotaExceeded) as refused:
            await limits.admit(a_call(tenant, tokens=1_000, turn="c.3", conversation="c"))
    assert refused.value.exceeded == {
        "whose": "conversation",
        "what": "picousd",
        "limit": "0.002",
        "used": "0.0011",
        "unit": "US dollars",
    }


async def test_a_turn_whose_model_time_is_spent_makes_no_more_calls(redis_port: int):
    tenant = new_tenant()
    budgets = BudgetsPolicy(turn=HardBudget(seconds=0.2))
    async with limiter(redis_port, TIERS, budgets) as limits:
        held = await limits.admit(a_call(tenant, turn="c.1"))
        assert held.seconds_left == pytest.approx(0.2)
        await asyncio.sleep(0.3)
        await held.settle(FREE, 2)
        with pytest.raises(QuotaExceeded) as refused:
            await limits.admit(a_call(tenant, turn="c.1"))
        assert refused.value.exceeded["unit"] == "seconds of model time"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tokens_max=st.integers(1, 5_000),
    requests_max=st.integers(0, 80),
    streams_max=st.integers(0, 40),
    demands=st.lists(st.tuples(st.integers(1, 400), st.booleans()), min_size=64, max_size=64),
)
async def test_sixty_four_callers_over_two_replicas_never_overshoot(
    redis_port: int, tokens_max: int, requests_max: int, streams_max: int, demands: list[tuple[int, bool]]
):
    tenant = new_tenant()
    contract = TierAllowance(requests_per_minute=requests_max, tokens_per_minute=tokens_max, streams=streams_max)
    policy = LimitsPolicy(contracts={tenant: contract})
    async with limiter(redis_port, policy) as one, limiter(redis_port, policy) as two:
        answers = await asyncio.gather(
            *(
                attempt((one, two)[n % 2], a_call(tenant, tokens=tokens, stream=stream, user=f"u{n % 3}"))
                for n, (tokens, stream) in enumerate(demands)
            )
        )
        passed = [answer for answer in answers if isinstance(answer, Reserved)]
        assert len(passed) <= requests_max
        assert sum(held.demand.tokens for held in passed) <= tokens_max
        assert sum(held.demand.is_stream for held in passed) <= streams_max
        # Nobody is refused without need: one more of those that were refused really would have been too much.
        for answer, (tokens, stream) in zip(answers, demands, strict=True):
            if isinstance(answer, QuotaExceeded):
                assert (
                    len(passed) + 1 > requests_max
                    or sum(held.demand.tokens for held in passed) + tokens > tokens_max
                    or (stream and sum(held.demand.is_stream for held in passed) + 1 > streams_max)
                )
