"""A/B: variants of an experiment compared with its control, from stored scores and thumbs."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from switchboard.evaluation.statistics import Z95, Interval, clusters_interval, proportions_interval
from switchboard.experiments.tally import ExperimentScores, Tally

TENANTS_MIN = 5
"""A side, for an interval that says something of other tenants: tenants, not turns, were assigned by chance."""
THUMBS = "thumbs_up"
FEW_TENANTS = (
    "Fewer than {n} tenants on a side: the intervals treat turns as independent and hold for these tenants only."
)


class Effect(BaseModel):
    """One metric, variant against control: means, `variant - control`, and its 95 % interval."""

    control: float
    variant: float
    difference: float
    low: float
    high: float
    n_control: int
    n_variant: int
    by: str
    """`tenants`: resampled by tenant; `turns`: turns taken as independent."""
    significant: bool


class VariantEffects(BaseModel):
    name: str
    tenants: int
    metrics: dict[str, Effect] = Field(default_factory=dict[str, Effect])


class AbResult(BaseModel):
    """All variants of an experiment against the first one."""

    experiment: str
    control: str
    control_tenants: int
    variants: list[VariantEffects]
    note: str = ""


def ab_result(scores: ExperimentScores) -> AbResult:
    """Compares every variant with the control over the metrics that both have."""
    by_variant = {name: [each for each in scores.tallies if each.variant == name] for name in scores.variants}
    control = scores.variants[0]
    effects = [
        VariantEffects(
            name=name, tenants=len(by_variant[name]), metrics=_effects(by_variant[control], by_variant[name])
        )
        for name in scores.variants[1:]
    ]
    few = any(effect.by == "turns" for each in effects for effect in each.metrics.values())
    return AbResult(
        experiment=scores.name,
        control=control,
        control_tenants=len(by_variant[control]),
        variants=effects,
        note=FEW_TENANTS.format(n=TENANTS_MIN) if few else "",
    )


def _effects(control: Sequence[Tally], variant: Sequence[Tally]) -> dict[str, Effect]:
    names = [THUMBS, *dict.fromkeys(name for tally in (*control, *variant) for name in tally.metrics)]
    found: dict[str, Effect] = {}
    for name in names:
        before, after = _sums(control, name), _sums(variant, name)
        if before and after:
            found[name] = _effect(name, before, after)
    return found


def _effect(name: str, before: list[tuple[float, float, float]], after: list[tuple[float, float, float]]) -> Effect:
    n, m = sum(each[1] for each in before), sum(each[1] for each in after)
    mean, other = sum(each[0] for each in before) / n, sum(each[0] for each in after) / m
    clustered = min(len(before), len(after)) >= TENANTS_MIN
    if clustered:
        interval = clusters_interval([each[:2] for each in before], [each[:2] for each in after])
    elif name == THUMBS:
        interval = proportions_interval((round(mean * n), round(n)), (round(other * m), round(m)))
    else:
        interval = _normal(mean, before, n, other, after, m)
    return Effect(
        control=round(mean, 4),
        variant=round(other, 4),
        difference=round(other - mean, 4),
        low=interval.low,
        high=interval.high,
        n_control=round(n),
        n_variant=round(m),
        by="tenants" if clustered else "turns",
        significant=not interval.holds_zero and min(n, m) > 1,
    )


def _sums(tallies: Sequence[Tally], name: str) -> list[tuple[float, float, float]]:
    """Sum, count and sum of squares of each tenant that has the metric."""
    if name == THUMBS:
        rated = [(float(each.up), float(each.up + each.down), float(each.up)) for each in tallies]
        return [each for each in rated if each[1]]
    found = [each.metrics[name] for each in tallies if name in each.metrics]
    return [(each.sum, float(each.n), each.squares) for each in found if each.n]


def _normal(
    mean: float,
    before: Sequence[tuple[float, float, float]],
    n: float,
    other: float,
    after: Sequence[tuple[float, float, float]],
    m: float,
) -> Interval:
    """Welch's interval with the normal's quantile: from sums alone there is nothing to resample."""
    error = (_variance(before, mean, n) / n + _variance(after, other, m) / m) ** 0.5
    return Interval(round(other - mean - Z95 * error, 4), round(other - mean + Z95 * error, 4))


def _variance(sums: Sequence[tuple[float, float, float]], mean: float, n: float) -> float:
    if n < 2:
        return 0.0
    return max(0.0, (sum(each[2] for each in sums) - n * mean * mean) / (n - 1))
