import asyncio

import pytest

from services.gateway.call import CallOwner
from services.gateway.policy.models import BulkheadsRule
from services.gateway.resilience.bulkheads import Bulkheads, Slot
from switchboard.contracts.errors import Unavailable

PERSON, JOB = CallOwner(tier="free"), CallOwner(tier="free", lane="batch")


def bulkheads(calls: int = 1, queue: int = 1, wait_s: float = 5.0, **tiers: int) -> Bulkheads:
    lane = {"calls": calls, "queue": queue, "wait_s": wait_s}
    return Bulkheads(BulkheadsRule.model_validate({"lanes": {"interactive": lane, "batch": lane}, "tiers": tiers}))


async def test_lanes_do_not_take_each_others_places():
    both = bulkheads()
    await both.enter(JOB)
    async with asyncio.timeout(1):
        await both.enter(PERSON)


async def test_who_waits_gets_the_place_that_comes_free():
    one = bulkheads()
    first = await one.enter(PERSON)
    waiting = asyncio.create_task(one.enter(PERSON))
    await asyncio.sleep(0)
    assert one.figures()["interactive"] == {"calls_now": 1, "waiting": 1, "calls_max": 1, "queue_max": 1}
    first.release()
    first.release()
    assert isinstance(await waiting, Slot)
    assert one.figures()["interactive"]["waiting"] == 0


async def test_beyond_the_queue_and_after_the_longest_wait_comes_503():
    one = bulkheads(wait_s=0.05)
    await one.enter(PERSON)
    waiting = asyncio.create_task(one.enter(PERSON))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as raised:
        await one.enter(PERSON)
    assert raised.value.retry_after_s
    with pytest.raises(Unavailable):
        await waiting
    assert one.figures()["interactive"] == {"calls_now": 1, "waiting": 0, "calls_max": 1, "queue_max": 1}


async def test_who_stops_waiting_leaves_nothing_behind():
    one = bulkheads(calls=5, queue=5, free=1)
    held = await one.enter(PERSON)
    waiting = asyncio.create_task(one.enter(PERSON))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    held.release()
    async with asyncio.timeout(1):
        (await one.enter(PERSON)).release()
    assert one.figures()["interactive"]["calls_now"] == 0


async def test_a_tier_is_bounded_in_all_lanes_together_and_others_are_not():
    free = bulkheads(calls=9, queue=0, free=1)
    await free.enter(PERSON)
    with pytest.raises(Unavailable):
        await free.enter(JOB)
    await free.enter(CallOwner(tier="professional"))


async def test_a_new_policy_changes_the_sizes():
    one = bulkheads(queue=0)
    await one.enter(PERSON)
    one.follow(
        BulkheadsRule.model_validate({"lanes": {name: {"calls": 2, "queue": 0} for name in ("interactive", "batch")}})
    )
    async with asyncio.timeout(1):
        await one.enter(PERSON)
