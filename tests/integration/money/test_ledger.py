"""The ledger on a real Redis: what is recorded, summed, archived and told."""

import asyncio
import sqlite3
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from services.gateway.money.budgets import BudgetsPolicy, TenantBudget
from services.gateway.money.ledger.archiver import Archiver
from services.gateway.money.ledger.book import sums_of
from services.gateway.money.ledger.spool import Spool
from services.gateway.money.limits.demand import QuotaExceeded
from services.gateway.money.limits.tiers import LimitsPolicy
from services.gateway.money.prices import cost_of
from services.gateway.providers.port import Spent
from services.gateway.redis import keys
from switchboard.contracts.money import PICOUSD_PER_USD
from switchboard.ledger.archive import Archive
from switchboard.ledger.record import Price
from switchboard.ledger.report import CostReport, report
from tests.integration.money.conftest import a_call, a_record, limiter, new_tenant, recorder
from tests.integration.runtime import bench

TODAY = f"{datetime.now(UTC):%Y-%m-%d}"
OUTCOMES = ("ok", "failed", "cut", "cancelled", "cached")


async def shared_report(port: int, tenant: str, by: str = "agent") -> CostReport:
    today = datetime.now(UTC).date()
    async with Redis(host="127.0.0.1", port=port) as redis:
        sums = await sums_of(redis, since=today, until=today, tenant=tenant)
    return report(sums, tenant=tenant, by=by, since=TODAY, until=TODAY)


async def reported(port: int, tenant: str, *, calls: int, within_s: float = 30.0) -> CostReport:
    """The report when it counts so many calls."""
    deadline = time.monotonic() + within_s
    while True:
        found = await shared_report(port, tenant)
        if found.total.calls >= calls:
            return found
        assert time.monotonic() < deadline, f"the ledger holds {found.total.calls} calls"
        await asyncio.sleep(0.05)


async def archived(port: int, folder: Path) -> Archive:
    """The archive, with all that Redis holds now."""
    archive = Archive(folder / "ledger")
    async with Redis(host="127.0.0.1", port=port) as redis:
        archiver = Archiver(redis, archive, Spool(folder / "spool"))
        await archiver.close()
    return archive


PRICES = st.builds(
    Price,
    prompt=st.integers(0, 15_000_000),
    completion=st.integers(0, 75_000_000),
    cached=st.integers(0, 7_500_000),
)
SERVED = st.tuples(
    st.integers(0, 200_000),
    st.integers(0, 16_000),
    st.integers(0, 100_000),
    st.sampled_from(OUTCOMES),
    st.sampled_from(("billing", "tech", "")),
    st.booleans(),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(price=PRICES, served=st.lists(SERVED, min_size=1, max_size=64))
async def test_sums_and_archive_reconcile_to_the_picodollar_with_what_was_served(
    redis_port: int, tmp_path: Path, price: Price, served: list[tuple[int, int, int, str, str, bool]]
):
    tenant = new_tenant()
    prompt = completion = cached = 0
    async with recorder(redis_port, tmp_path) as one, recorder(redis_port, tmp_path) as two:
        for n, (in_tokens, out_tokens, of_cache, outcome, agent, twice) in enumerate(served):
            spent = Spent(in_tokens, out_tokens, min(of_cache, in_tokens))
            prompt, completion, cached = prompt + in_tokens, completion + out_tokens, cached + spent.cached_tokens
            record = a_record(a_call(tenant, agent=agent), spent, cost_of(price, spent), outcome=outcome)
            (one, two)[n % 2].record(record)
            if twice:  # a message that is sent again by another replica
                (two, one)[n % 2].record(record)
    expected = (prompt - cached) * price.prompt + cached * price.cached + completion * price.completion
    shared = await shared_report(redis_port, tenant)
    assert Decimal(shared.total.cost_usd) * PICOUSD_PER_USD == expected
    assert (shared.total.calls, shared.total.prompt_tokens) == (len(served), prompt)
    assert (shared.total.completion_tokens, shared.total.cached_tokens) == (completion, cached)
    assert sum(Decimal(row.cost_usd) for row in shared.rows) == Decimal(shared.total.cost_usd)
    archive = await archived(redis_port, tmp_path)
    on_disk = report(
        archive.sums(since=TODAY, until=TODAY, tenant=tenant), tenant=tenant, by="agent", since=TODAY, until=TODAY
    )
    assert on_disk == shared


async def test_a_record_says_whose_call_it_was_and_what_became_of_it(redis_port: int, tmp_path: Path):
    tenant = new_tenant()
    call = a_call(
        tenant, user="ada", tier="professional", turn="c.1", conversation="c", feature="chat", agent="billing"
    )
    async with recorder(redis_port, tmp_path) as ledger:
        ledger.record(a_record(call, Spent(), 0, 1, outcome="failed", error="unavailable"))
        ledger.record(a_record(call, Spent(100, 50, 20), 100_000_000, 2, first_token_ms=12.5))
    archive = await archived(redis_port, tmp_path)
    first, second = sorted(archive.records(since=TODAY, until=TODAY, tenant=tenant), key=lambda record: record.attempt)
    assert (first.id, first.outcome, first.error, first.cost_picousd) == (f"{call.id}.1", "failed", "unavailable", 0)
    assert (second.tier, second.feature, second.agent) == ("professional", "chat", "billing")
    assert second.user == first.user != "ada", "by a pseudonym: what is never deleted names nobody"
    assert (second.turn, second.conversation, second.alias, second.deployment) == ("c.1", "c", "fast", "openai")
    assert (second.prompt_tokens, second.completion_tokens, second.cached_tokens) == (100, 50, 20)
    assert (second.cost_picousd, second.first_token_ms, second.request_id) == (100_000_000, 12.5, call.id)


async def test_the_archive_refuses_to_change_or_delete_a_record(redis_port: int, tmp_path: Path):
    async with recorder(redis_port, tmp_path) as ledger:
        ledger.record(a_record(a_call(new_tenant()), Spent(1, 1), PICOUSD_PER_USD))
    await archived(redis_port, tmp_path)
    with sqlite3.connect(tmp_path / "ledger" / f"{TODAY[:7]}.sqlite") as connection:
        for change in ("UPDATE attempts SET cost_picousd = 0", "DELETE FROM attempts"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(change)


async def test_a_budgets_events_come_once_each_over_all_replicas(redis_port: int, tmp_path: Path):
    tenant = new_tenant()
    budgets = BudgetsPolicy(tenants={tenant: TenantBudget(day_usd=Decimal(10), month_usd=Decimal(100))})
    async with recorder(redis_port, tmp_path, budgets) as one, recorder(redis_port, tmp_path, budgets) as two:
        for n in range(48):  # 24 dollars
            (one, two)[n % 2].record(a_record(a_call(tenant), Spent(1, 1), PICOUSD_PER_USD // 2))
    async with Redis(host="127.0.0.1", port=redis_port, decode_responses=True) as redis:
        events = [fields for _, fields in await redis.xrange(keys.BUDGET_EVENTS) if fields["tenant"] == tenant]
    assert [(event["period"], event["percent"]) for event in events] == [(TODAY, "50"), (TODAY, "80"), (TODAY, "100")]
    assert [Decimal(event["spent_picousd"]) / PICOUSD_PER_USD for event in events] == [5, 8, 10]


@pytest.mark.parametrize("period", ["day", "month"])
async def test_a_spent_budget_refuses_or_downgrades_as_the_policy_says(redis_port: int, tmp_path: Path, period: str):
    for at_limit in ("refuse", "downgrade"):
        tenant = new_tenant()
        budget = TenantBudget.model_validate({f"{period}_usd": "0.01", "at_limit": at_limit})
        budgets = BudgetsPolicy(tenants={tenant: budget})
        async with (
            limiter(redis_port, LimitsPolicy(), budgets) as limits,
            recorder(redis_port, tmp_path, budgets) as ledger,
        ):
            held = await limits.admit(a_call(tenant))
            assert held.alias == "fast"
            ledger.record(a_record(a_call(tenant), Spent(1, 1), PICOUSD_PER_USD // 100))
            await ledger.flush()
            if at_limit == "downgrade":
                assert (await limits.admit(a_call(tenant))).alias == "cheap"
                continue
            with pytest.raises(QuotaExceeded) as refused:
                await limits.admit(a_call(tenant))
            assert refused.value.exceeded["what"] == period
            assert refused.value.retry_after_s is not None and refused.value.retry_after_s > 0


async def test_records_made_while_redis_is_away_are_in_the_ledger_when_it_is_back(tmp_path: Path):
    tenant = new_tenant()
    with bench(tmp_path) as own:
        port = own.redis()
        server = own.children[-1]
        async with recorder(port, tmp_path) as ledger:
            ledger.record(a_record(a_call(tenant), Spent(1, 1), PICOUSD_PER_USD))
            await ledger.flush()
            own.stop(server)
            for _ in range(5):
                ledger.record(a_record(a_call(tenant), Spent(10, 10), 2 * PICOUSD_PER_USD))
            own.start_again(server)
            found = await reported(port, tenant, calls=6)
            assert found.total.cost_usd == "11.00"
        archive = await archived(port, tmp_path)
        assert len(list(archive.records(since=TODAY, until=TODAY, tenant=tenant))) == 6


async def test_a_record_is_on_its_way_to_redis_when_it_is_written_so_a_killed_gateway_loses_none(
    redis_port: int, tmp_path: Path
):
    # As many as Redis reads at once (16 KiB): beyond it, it drops what a connection sent that is reset, and the kernel
    # resets one whose process died with answers that it had not read. docs/limits-and-cost.md says so.
    tenant = new_tenant()
    program = f"""
import asyncio, os, signal
from pathlib import Path
from services.gateway.providers.port import Spent
from tests.integration.money.conftest import a_call, a_record, recorder

async def main():
    async with recorder({redis_port}, Path({str(tmp_path)!r})) as ledger:
        for _ in range(10):
            ledger.record(a_record(a_call({tenant!r}), Spent(1, 1), 1_000_000))
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    assert await process.wait() == -9
    found = await reported(redis_port, tenant, calls=10)
    assert (found.total.calls, found.total.cost_microusd) == (10, 10)
