"""Scores on the trace of the turn they are of, by the OpenTelemetry GenAI conventions (`gen_ai.evaluation.*`)."""

from collections.abc import Sequence

from switchboard.evaluation.evaluators.score import Score
from switchboard.telemetry import tracer, turn_again, turn_attributes

RESULT = "gen_ai.evaluation.result"
NAME = "gen_ai.evaluation.name"
VALUE = "gen_ai.evaluation.score.value"
LABEL = "gen_ai.evaluation.score.label"
EXPLANATION = "gen_ai.evaluation.explanation"
EXPLANATION_CHARACTERS_MAX = 500


def record_scores(
    scores: Sequence[Score],
    *,
    trace_id: str,
    span_id: str,
    tenant: str,
    conversation_id: str,
    turn_id: str,
    experiment: str = "",
) -> None:
    """One span `evaluation` below the turn's own, with an event a score and each value as an attribute as well."""
    with (
        turn_again(trace_id, span_id),
        turn_attributes(tenant, conversation_id, turn_id, experiment),
        tracer(__name__).start_as_current_span("evaluation") as span,
    ):
        for score in scores:
            label = "pass" if score.passed else "fail"
            told = {NAME: score.metric, VALUE: score.value, LABEL: label}
            metric = f"gen_ai.evaluation.{score.metric}"
            span.set_attributes({f"{metric}.score.value": score.value, f"{metric}.score.label": label})
            if score.reason:
                told[EXPLANATION] = _cut(score.reason)
                span.set_attribute(f"{metric}.explanation", told[EXPLANATION])
            span.add_event(RESULT, told)


def record_rating(
    rating: str,
    comment: str,
    *,
    trace_id: str,
    span_id: str,
    tenant: str,
    conversation_id: str,
    turn_id: str,
    experiment: str = "",
) -> None:
    """A user's thumb as a span `feedback` below the turn's own."""
    told: dict[str, str | float] = {NAME: "user_feedback", VALUE: 1.0 if rating == "up" else 0.0, LABEL: rating}
    if comment:
        told[EXPLANATION] = _cut(comment)
    with (
        turn_again(trace_id, span_id),
        turn_attributes(tenant, conversation_id, turn_id, experiment),
        tracer(__name__).start_as_current_span("feedback", attributes=told) as span,
    ):
        span.add_event(RESULT, told)


def _cut(text: str) -> str:
    return text[:EXPLANATION_CHARACTERS_MAX]
