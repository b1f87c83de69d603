import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from switchboard.evaluation.statistics import (
    clusters_interval,
    holm,
    mcnemar,
    mean_interval,
    paired_interval,
    proportions_interval,
    sign_flip,
    wilson,
)

values = st.lists(st.floats(0, 1, allow_nan=False), min_size=1, max_size=60)
pairs = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80)


@given(values)
@settings(deadline=None, max_examples=30)
def test_the_interval_of_a_mean_holds_the_mean_and_is_the_same_each_time(sample: list[float]) -> None:
    interval = mean_interval(sample)
    mean = sum(sample) / len(sample)
    assert interval.low - 1e-3 <= mean <= interval.high + 1e-3
    assert interval == mean_interval(sample)


@given(pairs)
def test_mcnemar_is_the_exact_binomial_test_of_the_changed_ones(outcomes: list[tuple[bool, bool]]) -> None:
    before, after = [a for a, _ in outcomes], [b for _, b in outcomes]
    lost = sum(a and not b for a, b in outcomes)
    won = sum(b and not a for a, b in outcomes)
    expected = binomtest(lost, lost + won, 0.5).pvalue if lost + won else 1.0
    assert mcnemar(before, after) == pytest.approx(expected)
    assert mcnemar(after, before) == mcnemar(before, after)


def test_mcnemar_of_a_worked_example() -> None:
    before = [True] * 8 + [False] * 1 + [True] * 91
    after = [False] * 8 + [True] * 1 + [True] * 91
    assert mcnemar(before, after) == pytest.approx(2 * (1 + 9) / 2**9)


@given(st.integers(0, 60), st.integers(1, 60))
def test_wilson_holds_the_share_within_zero_and_one(successes: int, n: int) -> None:
    successes = min(successes, n)
    interval = wilson(successes, n)
    assert 0 <= interval.low <= successes / n + 1e-4
    assert successes / n - 1e-4 <= interval.high <= 1
    reference = binomtest(successes, n).proportion_ci(method="wilson")
    assert interval.low == pytest.approx(reference.low, abs=2e-4)
    assert interval.high == pytest.approx(reference.high, abs=2e-4)


def test_newcombes_interval_of_his_own_example() -> None:
    # Newcombe (1998), table II, method 10, example (a): 56/70 against 48/80 gives 0.0524 to 0.3339.
    interval = proportions_interval((48, 80), (56, 70))
    assert (interval.low, interval.high) == (pytest.approx(0.0524, abs=2e-4), pytest.approx(0.3339, abs=2e-4))


@given(values)
@settings(deadline=None, max_examples=30)
def test_no_change_is_no_difference(sample: list[float]) -> None:
    assert paired_interval(sample, sample).holds_zero
    assert sign_flip(sample, sample) == 1.0


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40))
@settings(deadline=None, max_examples=40)
def test_the_permutation_test_is_a_probability_and_symmetric(sample: list[tuple[float, float]]) -> None:
    before, after = [a for a, _ in sample], [b for _, b in sample]
    p = sign_flip(before, after)
    assert 0 < p <= 1
    assert p == sign_flip(after, before)


def test_a_drop_of_every_case_is_significant_and_one_of_a_few_is_not() -> None:
    assert sign_flip([0.9] * 30, [0.5] * 30) < 0.01
    assert sign_flip([0.9] * 3 + [0.5] * 27, [0.5] * 30) > 0.05


@given(st.dictionaries(st.text(min_size=1, max_size=4), st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_a_p_and_keeps_their_order(tests: dict[str, float]) -> None:
    corrected = holm(tests)
    assert all(corrected[name] >= p or math.isclose(corrected[name], p) for name, p in tests.items())
    ordered = sorted(tests, key=lambda name: tests[name])
    assert [corrected[name] for name in ordered] == sorted(corrected.values())


def test_clusters_are_resampled_whole() -> None:
    alike = [(8.0, 10.0)] * 6
    assert clusters_interval(alike, alike).holds_zero
    few_tenants_differ = clusters_interval([(10.0, 10.0), (0.0, 10.0)] * 3, [(10.0, 10.0), (0.0, 10.0)] * 3)
    assert few_tenants_differ.high - few_tenants_differ.low > 0.5
