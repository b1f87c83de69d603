"""Statistics of evaluations: intervals and tests. Seeded: the same numbers give the same answer.

SciPy has the binomial, the bootstrap and the permutation test. What it has not is here: Newcombe (1998), method 10, for the
difference of two proportions from Wilson's score intervals; Holm (1979) for several tests at once; the bootstrap of whole
clusters.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats as scipy_stats  # pyright: ignore[reportMissingTypeStubs]

stats: Any = scipy_stats
RESAMPLES = 4_000
SEED = 20_260_101
Z95 = 1.959964
"""The normal's quantile of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float

    @property
    def holds_zero(self) -> bool:
        return self.low <= 0.0 <= self.high


def percentile(values: Sequence[float], percent: float) -> float:
    """Interpolated, to two decimals; `percent` from 0 to 100. Raises `IndexError` without values."""
    return round(float(np.percentile(np.asarray(values, dtype=float), percent)), 2)


def mean_interval(values: Sequence[float]) -> Interval:
    """Of a mean, by the percentile bootstrap; where all values are alike, Wilson's bound for that many of them.

    Raises `ValueError` without values.
    """
    sample = np.asarray(values, dtype=float)
    if sample.size == 0:
        raise ValueError("An interval needs at least one value.")
    if np.all(sample == sample[0]) and sample[0] in (0.0, 1.0):
        return wilson(int(sample.sum()), int(sample.size))
    return _bootstrap(sample)


def paired_interval(before: Sequence[float], after: Sequence[float]) -> Interval:
    """Of the mean of `after - before`, resampling the pairs. Shape: two sequences of one length. Raises `ValueError`."""
    differences = np.asarray(after, dtype=float) - np.asarray(before, dtype=float)
    if differences.size == 0:
        raise ValueError("An interval needs at least one pair.")
    return _bootstrap(differences)


def mcnemar(before: Sequence[bool], after: Sequence[bool]) -> float:
    """The exact two-sided p of paired yes/no outcomes: how likely so uneven a split of the changed ones is by chance."""
    lost = sum(a and not b for a, b in zip(before, after, strict=True))
    won = sum(b and not a for a, b in zip(before, after, strict=True))
    if lost + won == 0:
        return 1.0
    test: Any = stats.binomtest(lost, lost + won)
    return float(test.pvalue)


def sign_flip(before: Sequence[float], after: Sequence[float]) -> float:
    """The two-sided p of paired values: a permutation test that flips the signs of the differences."""
    differences = np.asarray(after, dtype=float) - np.asarray(before, dtype=float)
    moved = differences[differences != 0]
    if moved.size < 2:
        return 1.0  # of one difference either sign is as extreme
    test: Any = stats.permutation_test(
        (moved,),
        _distance_of_sum,
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        alternative="greater",
        rng=np.random.default_rng(SEED),
    )
    return float(test.pvalue)


def _distance_of_sum(sample: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    return np.abs(np.sum(sample, axis=axis))


def holm(tests: Mapping[str, float]) -> dict[str, float]:
    """The p of each of several tests, corrected for their number."""
    corrected: dict[str, float] = {}
    highest = 0.0
    for position, name in enumerate(sorted(tests, key=lambda each: tests[each])):
        highest = max(highest, min(1.0, tests[name] * (len(tests) - position)))
        corrected[name] = highest
    return corrected


def wilson(successes: int, n: int) -> Interval:
    """Of a proportion, by Wilson's score."""
    if n == 0:
        return Interval(0.0, 1.0)
    found: Any = stats.binomtest(successes, n).proportion_ci(method="wilson")
    return Interval(round(float(found.low), 4), round(float(found.high), 4))


def proportions_interval(before: tuple[int, int], after: tuple[int, int]) -> Interval:
    """Of the difference `after - before` of two independent proportions, each as (successes, n)."""
    (a, n), (b, m) = before, after
    first, second = wilson(a, n), wilson(b, m)
    p, q = a / n if n else 0.0, b / m if m else 0.0
    low = (q - p) - math.hypot(q - second.low, first.high - p)
    high = (q - p) + math.hypot(second.high - q, p - first.low)
    return Interval(round(max(-1.0, low), 4), round(min(1.0, high), 4))


def clusters_interval(before: Sequence[tuple[float, float]], after: Sequence[tuple[float, float]]) -> Interval:
    """Of the difference of two means over clusters, each as (sum, n): whole clusters are resampled, as they were assigned."""
    a, b = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    random = np.random.default_rng(SEED)
    means: list[NDArray[np.float64]] = []
    for arm in (a, b):
        drawn = arm[random.integers(0, len(arm), size=(RESAMPLES, len(arm)))].sum(axis=1)
        means.append(drawn[:, 0] / drawn[:, 1])
    return _percentiles(means[1] - means[0])


def _bootstrap(sample: NDArray[np.float64]) -> Interval:
    if np.all(sample == sample[0]):
        return Interval(round(float(sample[0]), 4), round(float(sample[0]), 4))
    found: Any = stats.bootstrap(
        (sample,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(SEED)
    )
    interval = found.confidence_interval
    return Interval(round(float(interval.low), 4), round(float(interval.high), 4))


def _percentiles(means: NDArray[np.float64]) -> Interval:
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(round(float(low), 4), round(float(high), 4))
