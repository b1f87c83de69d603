"""What an evaluator says: one metric's score of one turn."""

from typing import Literal

from pydantic import BaseModel, Field

Metric = Literal[
    "answered",
    "routing",
    "tool_correctness",
    "required_facts",
    "forbidden_claims",
    "groundedness",
    "citation_precision",
    "citation_recall",
    "relevance",
    "refusal",
    "safety",
    "judge_groundedness",
    "judge_relevance",
]
METRICS: tuple[Metric, ...] = Metric.__args__
"""In the order of a report."""
JUDGED: tuple[Metric, ...] = ("judge_groundedness", "judge_relevance")
"""By a model: shown and compared, never part of whether a case passes."""


class Score(BaseModel):
    """`value` is 0 to 1, 1 the best; `reason` says in words what is wrong, and is empty where nothing is."""

    metric: Metric
    value: float = Field(ge=0, le=1)
    passed: bool
    reason: str = ""


def scored(metric: Metric, value: float, reason: str = "", *, pass_min: float = 1.0) -> Score:
    """A score that passes from `pass_min` on; rounded so that a sum of thirds is one."""
    value = round(value, 4)
    return Score(metric=metric, value=value, passed=value >= pass_min, reason="" if value >= pass_min else reason)
