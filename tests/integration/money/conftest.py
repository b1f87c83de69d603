"""A real Redis, and limiters over it as two gateway replicas would have them."""

import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.gateway.call import CallOwner, ModelCall
from services.gateway.money.budgets import BudgetsPolicy
from services.gateway.money.ledger.pseudonyms import Pseudonyms
from services.gateway.money.ledger.recorder import Recorder
from services.gateway.money.ledger.spool import Spool
from services.gateway.money.limits.shared import SharedLimits
from services.gateway.money.limits.tiers import LimitsPolicy, Rules
from services.gateway.providers.port import Spent
from services.gateway.redis.pipe import Pipe
from switchboard.ledger.record import Record
from switchboard.redis.server import RedisServer
from tests.integration.runtime import Bench, bench

REPLY_S = 20.0
"""A loaded machine must not make a limiter believe that Redis is away."""


@pytest.fixture(scope="module")
def redis_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("money")) as made:
        yield made


@pytest.fixture(scope="module")
def redis_port(redis_bench: Bench) -> int:
    return redis_bench.redis()


class Flat:
    """A tariff of one price a token, whatever the alias; `cheap` is free."""

    def __init__(self, picousd: int = 1_000_000) -> None:
        self._picousd = picousd

    def estimate(self, alias: str, prompt_tokens: int, completion_tokens: int) -> int:
        return 0 if alias == "cheap" else (prompt_tokens + completion_tokens) * self._picousd


@asynccontextmanager
async def limiter(
    port: int, limits: LimitsPolicy, budgets: BudgetsPolicy | None = None, **settings: Any
) -> AsyncIterator[SharedLimits]:
    """One replica's limiter."""
    pipe = Pipe(RedisServer("127.0.0.1", port), timeout_s=REPLY_S)
    await pipe.open()
    made = SharedLimits(lambda: Rules(limits, budgets or BudgetsPolicy()), Flat(), pipe, **settings)
    await made.open()
    try:
        yield made
    finally:
        await made.close()
        await pipe.close()


@asynccontextmanager
async def recorder(port: int, folder: Path, budgets: BudgetsPolicy | None = None) -> AsyncIterator[Recorder]:
    """One replica's ledger."""
    pipe = Pipe(RedisServer("127.0.0.1", port), timeout_s=REPLY_S)
    await pipe.open()
    made = Recorder(pipe, Spool(folder / "spool"), lambda: budgets or BudgetsPolicy(), Pseudonyms(folder))
    await made.open()
    try:
        yield made
    finally:
        await made.close()
        await pipe.close()


def a_record(call: ModelCall, spent: Spent, cost_picousd: int, n: int = 1, **changes: Any) -> Record:
    """Of `call`, as its settlement would write it."""
    caller = call.caller
    values: dict[str, Any] = {
        "id": f"{call.id}.{n}",
        "at": time.time(),
        "request_id": call.id,
        "attempt": n,
        **{
            name: getattr(caller, name)
            for name in ("tenant", "user", "tier", "feature", "agent", "conversation", "turn")
        },
        "alias": call.alias,
        "deployment": "openai",
        "provider": "openai",
        "model": "gpt-4o-mini",
        "step": "primary",
        "outcome": "ok",
        "cache": "miss",
        "prompt_tokens": spent.prompt_tokens,
        "completion_tokens": spent.completion_tokens,
        "cached_tokens": spent.cached_tokens,
        "cost_picousd": cost_picousd,
        "duration_ms": 1.0,
    }
    return Record.model_validate({**values, **changes})


def a_call(
    tenant: str,
    *,
    tokens: int = 10,
    user: str = "u",
    stream: bool = False,
    tier: Any = "free",
    turn: str = "",
    conversation: str = "",
    feature: str = "",
    agent: str = "",
) -> ModelCall:
    return ModelCall(
        id=uuid.uuid4().hex,
        operation="chat",
        alias="fast",
        body={"stream": stream},
        caller=CallOwner(
            tenant=tenant, user=user, tier=tier, turn=turn, conversation=conversation, feature=feature, agent=agent
        ),
        prompt_tokens=tokens // 2,
        completion_tokens_max=tokens - tokens // 2,
    )


def new_tenant() -> str:
    return f"t-{uuid.uuid4().hex[:12]}"
