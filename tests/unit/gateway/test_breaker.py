import pytest

from services.gateway.policy.models import BreakerRule
from services.gateway.resilience.breaker import Breakers


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breakers(clock: Clock) -> Breakers:
    return Breakers(BreakerRule(), clock=clock)


def fail(breakers: Breakers, times: int) -> None:
    for _ in range(times):
        breakers.failed("a")


def test_four_failures_leave_it_closed_and_the_fifth_opens_it(breakers: Breakers):
    fail(breakers, 4)
    assert breakers.state("a") == "closed"
    fail(breakers, 1)
    assert breakers.state("a") == "open"
    assert breakers.state("b") == "closed"


def test_failures_of_more_than_a_minute_ago_do_not_count(breakers: Breakers, clock: Clock):
    fail(breakers, 4)
    clock.now += 61
    fail(breakers, 4)
    assert breakers.state("a") == "closed"


async def test_thirty_seconds_later_exactly_one_call_may_probe(breakers: Breakers, clock: Clock):
    fail(breakers, 5)
    clock.now += 29.9
    assert not await breakers.admit("a")
    clock.now += 0.2
    assert breakers.state("a") == "half_open"
    assert await breakers.admit("a")
    assert not await breakers.admit("a")


async def test_a_probe_that_works_closes_it_and_one_that_fails_opens_it_again(breakers: Breakers, clock: Clock):
    fail(breakers, 5)
    clock.now += 31
    assert await breakers.admit("a")
    breakers.failed("a")
    assert breakers.state("a") == "open"
    assert breakers.opens_in_s("a") == pytest.approx(30)
    clock.now += 31
    assert await breakers.admit("a")
    breakers.succeeded("a")
    assert breakers.state("a") == "closed"


async def test_a_probe_that_told_nothing_lets_another_one_try(breakers: Breakers, clock: Clock):
    fail(breakers, 5)
    clock.now += 31
    assert await breakers.admit("a")
    breakers.released("a")
    assert await breakers.admit("a")


def test_an_answer_to_a_call_from_before_does_not_close_it(breakers: Breakers):
    fail(breakers, 5)
    breakers.succeeded("a")
    assert breakers.state("a") == "open"
