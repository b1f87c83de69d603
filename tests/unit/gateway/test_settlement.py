"""What one call holds and spends: written an attempt at a time, given back once, told in its answer's usage."""

import time
from dataclasses import dataclass, field

import pytest

from services.gateway.call import CallOwner, ModelCall
from services.gateway.calls.background import Background
from services.gateway.calls.settlement import AttemptEnd, Settlement, usage_of
from services.gateway.policy.catalog import Target
from services.gateway.policy.models import Deployment, PricePerMillion
from services.gateway.ports import CacheHit
from services.gateway.providers.embedded import Embedded
from services.gateway.providers.port import Spent
from switchboard.ledger.record import Record
from switchboard.models.minilm import MiniLmEmbedder

PRICE = PricePerMillion.model_validate({"input": "0.15", "output": "0.6"})
TARGET = Target("openai", "gpt", "one", "openai", Deployment(provider="openai", price=PRICE))
CALL = ModelCall("c1", "chat", "fast", {"model": "fast"}, CallOwner(tenant="aurora", agent="billing"), 10, 100)


@dataclass
class Written:
    """A ledger in memory."""

    records: list[Record] = field(default_factory=list[Record])

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def record(self, record: Record) -> None:
        self.records.append(record)


@dataclass
class Admitted:
    """What was let pass, and what it was told at the end."""

    alias: str = "fast"
    seconds_left: float | None = None
    settled: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    async def settle(self, cost_picousd: int, tokens: int) -> None:
        self.settled.append((cost_picousd, tokens))


@pytest.fixture
def ledger() -> Written:
    return Written()


@pytest.fixture
def settlement(ledger: Written) -> Settlement:
    made = Settlement(CALL, ledger, Background())
    made.admission = Admitted()
    return made


async def test_the_attempts_of_a_call_are_numbered_and_their_sum_is_settled_once(
    settlement: Settlement, ledger: Written
):
    provider = Embedded(MiniLmEmbedder())
    refused = settlement.begin(TARGET, provider, "primary")
    settlement.ended(refused, AttemptEnd("rejected", Spent(10, 1), error="too_short"))
    taken = settlement.begin(TARGET, provider, "other_region")
    cost = settlement.ended(taken, AttemptEnd("ok", Spent(10, 2), "gpt-2024"))
    await settlement.settle()
    await settlement.settle()
    assert cost == 10 * 150_000 + 2 * 600_000
    assert [(each.id, each.step, each.outcome, each.model) for each in ledger.records] == [
        ("c1.1", "primary", "rejected", "gpt"),
        ("c1.2", "other_region", "ok", "gpt-2024"),
    ]
    assert isinstance(settlement.admission, Admitted)
    assert settlement.admission.settled == [(20 * 150_000 + 3 * 600_000, 23)]


async def test_a_record_begins_when_its_attempt_did(settlement: Settlement, ledger: Written):
    before = time.time()
    attempt = settlement.begin(TARGET, Embedded(MiniLmEmbedder()), "primary")
    settlement.ended(attempt, AttemptEnd("ok", Spent(1, 1), duration_ms=5_000.0))
    assert ledger.records[0].at <= before - 4.9
    assert (ledger.records[0].tenant, ledger.records[0].agent) == ("aurora", "billing")


async def test_an_answer_from_a_cache_is_an_attempt_that_cost_nothing(settlement: Settlement, ledger: Written):
    settlement.answered_by_cache(CacheHit({"model": "m"}, "semantic", Spent(5, 5)), "semantic_cache", 0.0)
    await settlement.settle()
    record = ledger.records[0]
    assert (record.provider, record.outcome, record.cache, record.cost_picousd) == ("cache", "cached", "semantic", 0)


def test_usage_says_what_an_answer_cost_to_the_picodollar_and_from_which_cache_it_came():
    told = usage_of({"prompt_tokens": 3}, 2_700_000)
    assert told == {"prompt_tokens": 3, "cost_usd": 2.7e-06, "cost_picousd": 2_700_000}
    assert usage_of(None, 0, cache="exact") == {"cost_usd": 0.0, "cost_picousd": 0, "cache": "exact"}
