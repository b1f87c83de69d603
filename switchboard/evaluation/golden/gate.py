"""The CI gate: no metric below its bar, none significantly below the committed baseline."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from switchboard.contracts.errors import BadConfiguration
from switchboard.evaluation.golden.difference import difference
from switchboard.evaluation.golden.results import Results


class Bars(BaseModel):
    """The least mean of each metric that is let pass."""

    model_config = ConfigDict(extra="forbid")

    metrics: dict[str, float] = Field(min_length=1)


class Verdict(BaseModel):
    """`failures` are sentences, one a reason."""

    passed: bool
    failures: list[str]


def load_bars(path: Path) -> Bars:
    """Raises `BadConfiguration`."""
    try:
        return Bars.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise BadConfiguration(f"The bars {path} cannot be read: {error}") from error


def verdict(results: Results, bars: Bars, baseline: Results | None) -> Verdict:
    """Judges a run. A bar whose metric the run does not have fails it: an evaluator was lost."""
    failures: list[str] = []
    for metric, bar in bars.metrics.items():
        figure = results.metrics.get(metric)
        if figure is None:
            failures.append(f"{metric} was not measured; its bar is {bar:.3f}.")
        elif figure.mean < bar:
            failures.append(f"{metric} is {figure.mean:.3f}, below its bar of {bar:.3f}.")
    if baseline is not None:
        compared = difference(baseline, results)
        for metric in compared.drops:
            change = compared.metrics[metric]
            failures.append(
                f"{metric} dropped from {change.before:.3f} to {change.after:.3f} on the same {change.n} cases "
                f"(p = {change.p:.4f}, 95 % interval {change.low:+.3f} to {change.high:+.3f})."
            )
    return Verdict(passed=not failures, failures=failures)
