"""A real Redis, and limiters over it as two gateway replicas would have them."""

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.gateway.budgets.policy import BudgetsPolicy
from services.gateway.caller import Caller
from services.gateway.limits.pipe import Pipe
from services.gateway.limits.shared import SCRIPTS, Rules, SharedLimits
from services.gateway.limits.tiers import LimitsPolicy
from services.gateway.ports import ModelCall
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
    pipe = Pipe("127.0.0.1", port, SCRIPTS, timeout_s=REPLY_S)
    await pipe.open()
    made = SharedLimits(lambda: Rules(limits, budgets or BudgetsPolicy()), Flat(), pipe, **settings)
    await made.open()
    try:
        yield made
    finally:
        await made.close()
        await pipe.close()


MakeCall = Callable[..., ModelCall]


def a_call(
    tenant: str,
    *,
    tokens: int = 10,
    user: str = "u",
    stream: bool = False,
    tier: Any = "free",
    turn: str = "",
    conversation: str = "",
) -> ModelCall:
    return ModelCall(
        id=uuid.uuid4().hex,
        operation="chat",
        alias="fast",
        body={"stream": stream},
        caller=Caller(tenant=tenant, user=user, tier=tier, turn=turn, conversation=conversation),
        prompt_tokens=tokens // 2,
        completion_tokens_max=tokens - tokens // 2,
    )


def new_tenant() -> str:
    return f"t-{uuid.uuid4().hex[:12]}"
