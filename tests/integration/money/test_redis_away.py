"""What holds while Redis is away, hangs, and is back."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from services.gateway.money.budgets import BudgetsPolicy
from services.gateway.money.limits.demand import QuotaExceeded
from services.gateway.money.limits.local import LocalHold
from services.gateway.money.limits.shared import SharedLimits
from services.gateway.money.limits.tiers import LimitsPolicy, Rules
from services.gateway.redis.pipe import Pipe
from switchboard.redis.server import RedisServer
from tests.integration.money.conftest import REPLY_S, Flat, a_call, limiter, new_tenant
from tests.integration.money.test_limits import FREE, TIERS
from tests.integration.runtime import bench


async def until_shared(limits: SharedLimits, within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while True:
        held = await limits.admit(a_call(new_tenant()))
        if not isinstance(held.hold, LocalHold):
            return
        assert time.monotonic() < deadline, "the limits are not shared again"
        await asyncio.sleep(0.1)


async def test_each_replica_keeps_the_limits_itself_until_redis_is_back(tmp_path: Path):
    tenant = new_tenant()
    with bench(tmp_path) as own:
        port = own.redis()
        server = own.children[-1]
        async with limiter(port, TIERS) as one, limiter(port, TIERS) as two:
            running = await one.admit(a_call(tenant, tokens=5_000))
            own.stop(server)
            for limits in (one, two):
                for _ in range(10):
                    assert isinstance((await limits.admit(a_call(tenant))).hold, LocalHold)
                with pytest.raises(QuotaExceeded) as refused:
                    await limits.admit(a_call(tenant))
                assert refused.value.exceeded["what"] == "requests"
            await running.settle(FREE, 10)  # nobody takes it: that is no error
            own.start_again(server)
            await until_shared(one)
            await until_shared(two)
            with pytest.raises(QuotaExceeded):  # the window that Redis kept on disk still holds
                await two.admit(a_call(tenant, tokens=6_000))


@pytest.mark.alone
async def test_a_redis_that_hangs_holds_up_one_call_for_the_timeout_and_no_other(tmp_path: Path):
    with bench(tmp_path) as own:
        port = own.redis()
        server = own.children[-1]
        pipe = Pipe(RedisServer("127.0.0.1", port), timeout_s=0.5)
        await pipe.open()
        limits = SharedLimits(lambda: Rules(LimitsPolicy(), BudgetsPolicy()), Flat(), pipe)
        await limits.open()
        await until_shared(limits)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            assert isinstance((await limits.admit(a_call(new_tenant()))).hold, LocalHold)
            assert time.monotonic() - began < 5
            began = time.monotonic()
            for _ in range(20):
                assert isinstance((await limits.admit(a_call(new_tenant()))).hold, LocalHold)
            assert time.monotonic() - began < 0.5 * 20 / 2
        finally:
            os.kill(server.pid, signal.SIGCONT)
        await until_shared(limits)
        await limits.close()
        await pipe.close()


async def test_a_call_that_is_cancelled_while_it_is_admitted_holds_nothing(redis_port: int):
    tenant = new_tenant()
    async with limiter(redis_port, TIERS) as limits:
        waiting = asyncio.create_task(limits.admit(a_call(tenant, tokens=10_000, stream=True)))
        await asyncio.sleep(0)  # sent, not answered
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        deadline = time.monotonic() + REPLY_S
        while True:
            try:
                await limits.admit(a_call(tenant, tokens=10_000, stream=True))
                break
            except QuotaExceeded:
                assert time.monotonic() < deadline, "its tokens are still held"
                await asyncio.sleep(0.05)


async def test_scripts_that_somebody_flushed_are_loaded_again(redis_port: int):
    from redis.asyncio import Redis

    async with limiter(redis_port, TIERS) as limits:
        await until_shared(limits)
        async with Redis(host="127.0.0.1", port=redis_port) as redis:
            await redis.script_flush()
        await until_shared(limits)


async def test_the_pipe_signs_in_where_redis_asks_for_a_password(tmp_path: Path):
    with bench(tmp_path) as own:
        port = own.redis("secret")
        for password, is_up in (("secret", True), ("wrong", False)):
            pipe = Pipe(RedisServer.at(f"127.0.0.1:{port}", password=password), timeout_s=2.0)
            await pipe.open()
            assert pipe.is_up is is_up
            await pipe.close()
