import pytest

from services.gateway.policy.models import Retry
from services.gateway.resilience.retries import RetryBudget, wait_s_before

RULE = Retry(wait_s_first=0.2, wait_s_max=3.0)


def test_pauses_are_any_time_up_to_a_bound_that_doubles():
    for retry, bound_s in ((1, 0.2), (2, 0.4), (3, 0.8), (10, 3.0)):
        pauses = [wait_s_before(retry, RULE, None) or 0.0 for _ in range(500)]
        assert max(pauses) <= bound_s
        assert max(pauses) > bound_s * 0.9
        assert min(pauses) < bound_s * 0.1, "full jitter begins at nothing"


def test_a_provider_that_asks_for_a_pause_gets_it_or_is_not_asked_again():
    assert all((wait_s_before(1, RULE, 2.0) or 0.0) >= 2.0 for _ in range(50))
    assert wait_s_before(1, RULE, 3.1) is None


def test_the_budget_allows_a_share_of_the_calls_and_a_few_always():
    now = 0.0
    budget = RetryBudget(clock=lambda: now)
    rule = Retry(budget_percent=20, budget_min=2)
    assert [budget.spend(rule) for _ in range(3)] == [True, True, False]
    for _ in range(50):
        budget.called()
    assert sum(budget.spend(rule) for _ in range(100)) == 10
    now = 10.1
    assert budget.spend(rule), "what is older than ten seconds is forgotten"
    assert Retry().attempts == 3


@pytest.mark.parametrize("percent", [0, 100])
def test_a_budget_without_a_minimum_is_its_share_alone(percent: float):
    budget = RetryBudget(clock=lambda: 0.0)
    for _ in range(10):
        budget.called()
    assert sum(budget.spend(Retry(budget_percent=percent, budget_min=0)) for _ in range(50)) == percent / 10
