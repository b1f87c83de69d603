"""What the turns of one tenant under one variant scored: sums that any number of turns fit into."""

from collections.abc import Mapping

from pydantic import BaseModel, Field


class Moments(BaseModel):
    """Of a metric: how many values, their sum, and the sum of their squares."""

    n: int = 0
    sum: float = 0.0
    squares: float = 0.0

    def with_value(self, value: float) -> "Moments":
        return Moments(n=self.n + 1, sum=self.sum + value, squares=self.squares + value * value)


class Tally(BaseModel):
    """Of one tenant under one variant of an experiment."""

    experiment: str
    variant: str
    tenant: str
    up: int = 0
    down: int = 0
    """Thumbs of users; the last one of a turn counts."""
    metrics: dict[str, Moments] = Field(default_factory=dict[str, Moments])

    def with_scores(self, values: Mapping[str, float]) -> "Tally":
        """The tally with one turn more."""
        added = {name: self.metrics.get(name, Moments()).with_value(value) for name, value in values.items()}
        return self.model_copy(update={"metrics": {**self.metrics, **added}})

    def with_rating(self, rating: str, before: str = "") -> "Tally":
        """The tally after a turn's rating changed from `before` (empty: it had none) to `rating`."""
        up = self.up + (rating == "up") - (before == "up")
        down = self.down + (rating == "down") - (before == "down")
        return self.model_copy(update={"up": max(0, up), "down": max(0, down)})


class ExperimentScores(BaseModel):
    """Answer of `GET /v1/experiments/{name}`: the variants in their order, the control first; a tenant's tallies."""

    name: str
    active: bool
    variants: list[str]
    tallies: list[Tally]
