"""Scores on the trace of the turn they are of, by the OpenTelemetry GenAI conventions (`gen_ai.evaluation.*`)."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from switchboard.caching.trace import FALSE_HIT
from switchboard.scoring.evaluators.score import Score
from switchboard.telemetry import tracer, turn_again, turn_attributes

RESULT = "gen_ai.evaluation.result"
NAME = "gen_ai.evaluation.name"
VALUE = "gen_ai.evaluation.score.value"
LABEL = "gen_ai.evaluation.score.label"
EXPLANATION = "gen_ai.evaluation.explanation"
EXPLANATION_CHARACTERS_MAX = 500


@dataclass(frozen=True, slots=True)
class TurnOfSpan:
    """Where a span about a turn belongs, from the turn's record."""

    trace_id: str
    span_id: str
    tenant: str
    user: str
    conversation_id: str
    turn_id: str
    experiment: str = ""

    @contextmanager
    def again(self) -> Generator[None]:
        """Spans started inside hang below the turn's own, with its ids."""
        ids = turn_attributes(
            self.tenant, self.conversation_id, self.turn_id, user=self.user, experiment=self.experiment
        )
        with turn_again(self.trace_id, self.span_id), ids:
            yield


def record_scores(scores: Sequence[Score], of: TurnOfSpan) -> None:
    """One span `evaluation` below the turn's own, with an event a score and each value as an attribute as well."""
    with (
        of.again(),
        tracer(__name__).start_as_current_span("evaluation") as span,
    ):
        for score in scores:
            label = "pass" if score.passed else "fail"
            attributes = {NAME: score.metric, VALUE: score.value, LABEL: label}
            metric = f"gen_ai.evaluation.{score.metric}"
            span.set_attributes({f"{metric}.score.value": score.value, f"{metric}.score.label": label})
            if score.reason:
                attributes[EXPLANATION] = _cut(score.reason)
                span.set_attribute(f"{metric}.explanation", attributes[EXPLANATION])
            span.add_event(RESULT, attributes)


def record_rating(rating: str, of: TurnOfSpan, *, from_cache: bool = False) -> None:
    """A user's thumb as a span `feedback` below the turn's own. Down for a cached answer (`from_cache`): a false hit.

    Their comment stays on the turn's record, and goes with it.
    """
    attributes: dict[str, str | float] = {NAME: "user_feedback", VALUE: 1.0 if rating == "up" else 0.0, LABEL: rating}
    if from_cache:
        attributes[FALSE_HIT] = rating == "down"
    with (
        of.again(),
        tracer(__name__).start_as_current_span("feedback", attributes=attributes) as span,
    ):
        span.add_event(RESULT, attributes)


def _cut(text: str) -> str:
    return text[:EXPLANATION_CHARACTERS_MAX]
