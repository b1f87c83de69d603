"""Two runs compared case by case: what changed, by how much, and whether chance explains it."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from switchboard.evaluation.golden.results import PASSED, Results
from switchboard.evaluation.statistics import holm, mcnemar, paired_interval, sign_flip
from switchboard.scoring.evaluators.score import METRICS

SIGNIFICANT_P = 0.05


class Change(BaseModel):
    """One metric over the cases that both runs have: `after - before`, its 95 % interval, and p (Holm-corrected)."""

    before: float
    after: float
    difference: float
    low: float
    high: float
    p: float
    test: str
    n: int
    significant: bool


class RunDifference(BaseModel):
    """`won` and `lost`: cases that pass only after, only before."""

    metrics: dict[str, Change]
    won: list[str] = Field(default_factory=list)
    lost: list[str] = Field(default_factory=list)
    only_before: list[str] = Field(default_factory=list)
    only_after: list[str] = Field(default_factory=list)

    @property
    def drops(self) -> list[str]:
        """The metrics that are significantly worse."""
        return [name for name, change in self.metrics.items() if change.significant and change.difference < 0]


def difference(before: Results, after: Results) -> RunDifference:
    """Compares the cases that both runs have, metric by metric where both have a score."""
    raw: dict[str, Change] = {}
    for metric in (PASSED, *METRICS):
        old, new = before.values(metric), after.values(metric)
        shared = sorted(old.keys() & new.keys())
        if shared:
            raw[metric] = _change([old[each] for each in shared], [new[each] for each in shared])
    corrected = holm({metric: change.p for metric, change in raw.items()})
    metrics = {
        metric: change.model_copy(
            update={"p": round(corrected[metric], 6), "significant": corrected[metric] < SIGNIFICANT_P}
        )
        for metric, change in raw.items()
    }
    old, new = before.values(PASSED), after.values(PASSED)
    shared = old.keys() & new.keys()
    return RunDifference(
        metrics=metrics,
        won=sorted(each for each in shared if new[each] > old[each]),
        lost=sorted(each for each in shared if new[each] < old[each]),
        only_before=sorted(old.keys() - new.keys()),
        only_after=sorted(new.keys() - old.keys()),
    )


def _change(old: Sequence[float], new: Sequence[float]) -> Change:
    interval = paired_interval(old, new)
    binary = {0.0, 1.0} >= {*old, *new}
    p = mcnemar([value == 1 for value in old], [value == 1 for value in new]) if binary else sign_flip(old, new)
    before, after = sum(old) / len(old), sum(new) / len(new)
    return Change(
        before=round(before, 4),
        after=round(after, 4),
        difference=round(after - before, 4),
        low=interval.low,
        high=interval.high,
        p=p,
        test="McNemar, exact" if binary else "sign-flip permutation",
        n=len(old),
        significant=False,
    )
