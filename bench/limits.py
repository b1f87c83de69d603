"""`python -m bench.limits`: what limits, budgets and the ledger add to a model call, on a real Redis that syncs each write.

Prints JSON: milliseconds to admit a call (one round trip), to hand its record and settlement to Redis (nobody waits for
the answer), CPU milliseconds of this process a call, and calls a second; with 1 and 16 calls at a time.
"""

import asyncio
import json
import tempfile
import time
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import uvloop

from bench.figures import percentile
from services.gateway.call import CallOwner, ModelCall
from services.gateway.money.accounting import Accounting
from services.gateway.money.budgets import BudgetsPolicy, HardBudget, TenantBudget
from services.gateway.money.limits.tiers import LimitsPolicy, Rules, TierAllowance
from services.gateway.redis.pipe import Pipe
from switchboard.evaluation import machine
from switchboard.ledger.record import Record
from switchboard.redis.server import RedisServer
from switchboard.system import redis
from switchboard.system.ports import Ports
from switchboard.system.process import Spawner, stop

CALLS = 2_000
COST_PICOUSD = 60_000_000
CALLER_FIELDS = ("tenant", "user", "tier", "feature", "agent", "conversation", "turn")
BUDGET = HardBudget(tokens=10**9, calls=10**6, seconds=10**6, usd=Decimal(100))
RULES = Rules(
    LimitsPolicy(
        contracts={"bench": TierAllowance(requests_per_minute=10**8, tokens_per_minute=10**11, streams=10**5)}
    ),
    BudgetsPolicy(tenant=TenantBudget(month_usd=Decimal(1_000)), turn=BUDGET, conversation=BUDGET),
)


class Flat:
    """Every alias costs the same."""

    def estimate(self, alias: str, prompt_tokens: int, completion_tokens: int) -> int:
        return (prompt_tokens + completion_tokens) * 150_000


async def one(accounting: Accounting, number: int) -> tuple[float, float]:
    """Milliseconds to admit a call, and to record and settle it."""
    caller = CallOwner(
        "bench", "ada", "professional", "chat", "billing", f"c{number // 20}", f"c{number // 20}.{number // 3}"
    )
    call = ModelCall(uuid.uuid4().hex, "chat", "fast", {"stream": number % 2 == 0}, caller, 300, 200)
    began = time.perf_counter()
    held = await accounting.limits.admit(call)
    admitted = time.perf_counter()
    accounting.ledger.record(
        Record(
            id=f"{call.id}.1",
            at=time.time(),
            request_id=call.id,
            attempt=1,
            **{name: getattr(caller, name) for name in CALLER_FIELDS},
            alias="fast",
            deployment="openai",
            provider="openai",
            model="gpt-4o-mini",
            step="primary",
            outcome="ok",
            prompt_tokens=300,
            completion_tokens=25,
            cost_picousd=COST_PICOUSD,
            duration_ms=1.0,
        )
    )
    await held.settle(COST_PICOUSD, 325)
    return (admitted - began) * 1000, (time.perf_counter() - admitted) * 1000


async def measured(accounting: Accounting, at_a_time: int) -> dict[str, float]:
    samples: list[tuple[float, float]] = []

    async def caller(first: int) -> None:
        for number in range(first, CALLS, at_a_time):
            samples.append(await one(accounting, number))

    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(caller(first) for first in range(at_a_time)))
    cpu_s, took_s = time.process_time() - cpu, time.perf_counter() - began
    admit, settle = [each[0] for each in samples], [each[1] for each in samples]
    return {
        "admit_ms_p50": round(percentile(admit, 0.5), 3),
        "admit_ms_p99": round(percentile(admit, 0.99), 3),
        "settle_ms_p50": round(percentile(settle, 0.5), 3),
        "cpu_ms_a_call": round(cpu_s / CALLS * 1000, 3),
        "calls_per_second": round(CALLS / took_s),
    }


async def run(port: int, folder: Path) -> dict[str, Any]:
    server = RedisServer("127.0.0.1", port)
    async with server.client() as client:
        pipe = Pipe(server)
        await pipe.open()
        accounting = Accounting(lambda: RULES, Flat(), redis=client, pipe=pipe, data_dir=folder)
        await accounting.open()
        try:
            for number in range(200):
                await one(accounting, number)
            return {f"c{n}": await measured(accounting, n) for n in (1, 16)}
        finally:
            await accounting.close()
            await pipe.close()


def main() -> None:
    folder, ports, spawner = Path(tempfile.mkdtemp(prefix="switchboard-bench-")), Ports(), Spawner()
    server = redis.server(port := ports.take(), folder / "redis", folder / "redis.log")
    server.start(spawner)
    try:
        while not redis.answers(port):
            time.sleep(0.05)
        print(json.dumps({**uvloop.run(run(port, folder)), "machine": machine.facts()}, indent=2))
    finally:
        stop([server], 5.0)
        spawner.close()
        ports.release()


if __name__ == "__main__":
    main()
