"""Effects happen once, whatever is delivered twice, cancelled or killed."""

import asyncio

import pytest

from switchboard.agent.effects import Effects, call_id_of
from switchboard.contracts.errors import ToolError, Unavailable
from switchboard.contracts.tools import ToolOutcome
from switchboard.sidecar import keys
from switchboard.sidecar.inmemory import InMemorySidecar


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class Till:
    """Counts what it is told to pay."""

    def __init__(self, pause_s: float = 0.0) -> None:
        self.paid = 0
        self.pause_s = pause_s

    async def __call__(self) -> ToolOutcome:
        await asyncio.sleep(self.pause_s)
        self.paid += 1
        return ToolOutcome(facts=[f"payment {self.paid}"])


def test_the_id_of_a_call_depends_on_tool_arguments_and_ordinal_only() -> None:
    first = call_id_of("refund", {"amount": 3, "line": 1}, 0)
    assert first == call_id_of("refund", {"line": 1, "amount": 3}, 0)
    others = [call_id_of("refund", {"amount": 4, "line": 1}, 0), call_id_of("refund", {"amount": 3, "line": 1}, 1)]
    assert len({first, *others}) == 3


async def test_a_redelivery_gets_the_first_outcome() -> None:
    state, till = InMemorySidecar().state, Till()
    first = await Effects(state, lease_s=30).once("t.1", "call", till)
    again = await Effects(state, lease_s=30).once("t.1", "call", till)
    assert (first, till.paid) == (again, 1)


async def test_two_deliveries_at_once_run_it_once() -> None:
    state, till = InMemorySidecar().state, Till(pause_s=0.05)
    outcomes = await asyncio.gather(*(Effects(state, lease_s=30).once("t.1", "call", till) for _ in range(5)))
    assert till.paid == 1
    assert all(outcome.facts == ["payment 1"] for outcome in outcomes)


async def test_a_caller_that_is_cancelled_does_not_cut_the_effect_in_two() -> None:
    state, till = InMemorySidecar().state, Till(pause_s=0.05)
    effects = Effects(state, lease_s=30)
    caller = asyncio.create_task(effects.once("t.1", "call", till))
    await asyncio.sleep(0.01)
    caller.cancel()
    await effects.close()
    assert till.paid == 1
    assert (await effects.once("t.1", "call", till)).facts == ["payment 1"]


async def test_a_failure_gives_the_claim_back() -> None:
    state, till = InMemorySidecar().state, Till()

    async def broken() -> ToolOutcome:
        raise ToolError("The till is stuck.")

    with pytest.raises(ToolError):
        await Effects(state, lease_s=30).once("t.1", "call", broken)
    assert (await Effects(state, lease_s=30).once("t.1", "call", till)).facts == ["payment 1"]


async def test_the_claim_of_a_process_that_died_is_taken_over_after_its_lease() -> None:
    state, till, clock = InMemorySidecar().state, Till(), Clock()
    await state.create(keys.effect("t.1", "call"), {"status": "claimed", "until_s": clock.now_s + 30})
    waiting = asyncio.create_task(Effects(state, lease_s=40, now_s=clock).once("t.1", "call", till))
    await asyncio.sleep(0.02)
    assert till.paid == 0
    clock.now_s += 31
    assert (await waiting).facts == ["payment 1"]


async def test_a_claim_that_stays_is_unavailable_in_the_end() -> None:
    state, till, clock = InMemorySidecar().state, Till(), Clock()
    await state.create(keys.effect("t.1", "call"), {"status": "claimed", "until_s": clock.now_s + 1_000})
    waiting = asyncio.create_task(Effects(state, lease_s=10, now_s=clock).once("t.1", "call", till))
    await asyncio.sleep(0.02)
    clock.now_s += 11
    with pytest.raises(Unavailable):
        await waiting
