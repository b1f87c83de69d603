"""What a run of a suite found: JSON that is kept, compared and shown."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from switchboard.contracts.errors import BadConfiguration
from switchboard.evaluation.statistics import Interval, mean_interval, percentile
from switchboard.scoring.evaluators import passed
from switchboard.scoring.evaluators.score import METRICS, Score
from switchboard.scoring.transcript import Transcript


class CaseResult(BaseModel):
    """One case as it went."""

    id: str
    tags: list[str] = Field(default_factory=list)
    passed: bool
    scores: list[Score]
    transcript: Transcript | None = None
    """Left out of a baseline."""

    def value(self, metric: str) -> float | None:
        """The score's value; `passed` is a metric too."""
        if metric == PASSED:
            return float(self.passed)
        return next((score.value for score in self.scores if score.metric == metric), None)


PASSED = "passed"
"""The share of the cases of which every score passes."""


class Figure(BaseModel):
    """A metric over the cases it applies to: its mean, with a 95 % interval by bootstrap over the cases."""

    mean: float
    low: float
    high: float
    passed: int
    n: int


class Latency(BaseModel):
    """Of the judged turns, in milliseconds; `first_word_*` from the request to the first words."""

    p50: float
    p95: float
    first_word_p50: float | None = None
    first_word_p95: float | None = None


class TokensATurn(BaseModel):
    """Mean over the turns that asked a model."""

    prompt: float
    completion: float
    turns: int


class Results(BaseModel):
    """A whole run."""

    suite: str
    api: str = ""
    started_at: datetime
    seconds: float = 0.0
    commit: str = ""
    machine: str = ""
    experiment: str = ""
    metrics: dict[str, Figure] = Field(default_factory=dict[str, Figure])
    latency_ms: Latency | None = None
    tokens_a_turn: TokensATurn | None = None
    cost_usd: float = 0.0
    cases: list[CaseResult] = Field(default_factory=list[CaseResult])

    @property
    def failing(self) -> list[CaseResult]:
        return [case for case in self.cases if not case.passed]

    def values(self, metric: str) -> dict[str, float]:
        """The metric's value by case id, where it applies."""
        found = {case.id: case.value(metric) for case in self.cases}
        return {case_id: value for case_id, value in found.items() if value is not None}

    def baseline(self) -> str:
        """JSON of the same without transcripts and reasons, a line a case: small enough to commit, enough to compare."""
        cases = [
            CaseResult(
                id=case.id,
                tags=case.tags,
                passed=case.passed,
                scores=[score.model_copy(update={"reason": ""}) for score in case.scores],
            )
            for case in self.cases
        ]
        head = self.model_copy(update={"cases": [], "api": ""}).model_dump_json(exclude_defaults=True)
        lines = ",\n".join(case.model_dump_json(exclude_defaults=True) for case in cases)
        return f'{head[:-1]},"cases":[\n{lines}\n]}}\n'


def case_result(case_id: str, tags: Sequence[str], scores: list[Score], transcript: Transcript) -> CaseResult:
    return CaseResult(id=case_id, tags=list(tags), passed=passed(scores), scores=scores, transcript=transcript)


def figures_of(cases: Sequence[CaseResult]) -> dict[str, Figure]:
    """Every metric that applies to any of the cases, in the order of a report."""
    figures: dict[str, Figure] = {}
    for metric in (PASSED, *METRICS):
        values = [value for case in cases if (value := case.value(metric)) is not None]
        if not values:
            continue
        interval: Interval = mean_interval(values)
        won = sum(_passes(case, metric) for case in cases)
        figures[metric] = Figure(
            mean=round(sum(values) / len(values), 4), low=interval.low, high=interval.high, passed=won, n=len(values)
        )
    return figures


def latency_of(transcripts: Iterable[Transcript]) -> Latency | None:
    turns = list(transcripts)
    if not turns:
        return None
    whole = [turn.duration_ms for turn in turns]
    first = [turn.first_word_ms for turn in turns if turn.first_word_ms is not None]
    return Latency(
        p50=percentile(whole, 50),
        p95=percentile(whole, 95),
        first_word_p50=percentile(first, 50) if first else None,
        first_word_p95=percentile(first, 95) if first else None,
    )


def tokens_of(turns: Iterable[tuple[int, int]]) -> TokensATurn | None:
    """Of each turn's prompt and completion tokens; turns that cost none were answered without a model. None: all of them."""
    asked = [turn for turn in turns if sum(turn)]
    if not asked:
        return None
    prompt, completion = (sum(tokens) / len(asked) for tokens in zip(*asked, strict=True))
    return TokensATurn(prompt=round(prompt, 1), completion=round(completion, 1), turns=len(asked))


def load_results(path: Path) -> Results:
    """Raises `BadConfiguration` where the file is not a run's results."""
    try:
        return Results.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadConfiguration(f"The results {path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        raise BadConfiguration(f"{path} does not hold the results of an evaluation.") from error


def _passes(case: CaseResult, metric: str) -> bool:
    if metric == PASSED:
        return case.passed
    return any(score.metric == metric and score.passed for score in case.scores)
