"""Evaluators: pure functions from a transcript (and what is expected of it) to scores. All but the judges are offline."""

from switchboard.models.embedder import Embedder
from switchboard.scoring.evaluators.answered import answered
from switchboard.scoring.evaluators.expectations import (
    citation_recall,
    forbidden_claims,
    required_facts,
    routing,
    tool_correctness,
)
from switchboard.scoring.evaluators.grounding import citation_precision, groundedness
from switchboard.scoring.evaluators.refusal import refusal
from switchboard.scoring.evaluators.relevance import relevance
from switchboard.scoring.evaluators.safety import safety
from switchboard.scoring.evaluators.score import METRICS, Metric, Score
from switchboard.scoring.expected import Expected
from switchboard.scoring.transcript import Transcript

__all__ = ["METRICS", "Metric", "Score", "passed", "scores_of"]


async def scores_of(turn: Transcript, expected: Expected | None, embedder: Embedder) -> list[Score]:
    """Every score that applies to the turn, in the order of `METRICS`. Without `expected`, those that need none."""
    wanted = expected or Expected()
    found = [
        answered(turn),
        routing(turn, wanted),
        tool_correctness(turn, wanted),
        required_facts(turn, wanted),
        forbidden_claims(turn, wanted),
        groundedness(turn),
        citation_precision(turn),
        citation_recall(turn, wanted),
        await relevance(turn, embedder),
        refusal(turn, wanted),
        safety(turn),
    ]
    return [score for score in found if score is not None]


def passed(scores: list[Score]) -> bool:
    """Whether a case passes: every score of it that is not a model's judgement does."""
    return all(score.passed for score in scores if not score.metric.startswith("judge_"))
