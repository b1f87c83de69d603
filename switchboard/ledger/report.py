"""What was spent, by feature, agent, model or day: the answer of `/admin/cost` and of `switchboard cost`."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from switchboard.contracts.money import microusd_of, usd_text

By = Literal["feature", "agent", "model", "day", "tenant", "alias", "deployment", "provider", "cache", "outcome"]
BY = get_args(By)


@dataclass(frozen=True, slots=True)
class Sum:
    """Attempts that are alike, added up."""

    tenant: str
    day: str
    feature: str
    agent: str
    alias: str
    deployment: str
    provider: str
    model: str
    cache: str
    outcome: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cost_picousd: int


GROUP_FIELDS = tuple(each.name for each in fields(Sum))[2:10]
"""What tells the sums of one tenant's day apart."""
NUMBER_FIELDS = tuple(each.name for each in fields(Sum))[10:]


class CostRow(BaseModel):
    """`key` is the feature, agent, model or day; `-` where it was not said. `cost_usd` is exact and adds up."""

    model_config = ConfigDict(frozen=True)

    key: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cost_usd: str
    cost_microusd: int
    """Rounded once, from the exact sum."""


class CostReport(BaseModel):
    """`calls` are attempts: a call that was repeated counts each time."""

    model_config = ConfigDict(frozen=True)

    tenant: str | None
    by: By
    since: str
    until: str
    """Days, both included."""
    rows: list[CostRow]
    total: CostRow


def report(sums: Iterable[Sum], *, tenant: str | None, by: By, since: str, until: str) -> CostReport:
    """The dearest first; days in their order."""
    groups: dict[str, list[int]] = {}
    total = [0] * len(NUMBER_FIELDS)
    for each in sums:
        row = groups.setdefault(getattr(each, by) or "-", [0] * len(NUMBER_FIELDS))
        for index, name in enumerate(NUMBER_FIELDS):
            row[index] += getattr(each, name)
            total[index] += getattr(each, name)
    order = sorted(groups, key=lambda key: (key,) if by == "day" else (-groups[key][-1], -groups[key][0], key))
    rows = [_row(key, groups[key]) for key in order]
    return CostReport(tenant=tenant, by=by, since=since, until=until, rows=rows, total=_row("total", total))


def _row(key: str, numbers: list[int]) -> CostRow:
    calls, prompt, completion, cached, cost = numbers
    return CostRow(
        key=key,
        calls=calls,
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached,
        cost_usd=usd_text(cost),
        cost_microusd=microusd_of(cost),
    )
