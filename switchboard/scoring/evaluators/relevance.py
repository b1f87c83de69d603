"""Whether the answer is about the question: the likeness of their sentence embeddings (MiniLM, deterministic)."""

import numpy as np

from switchboard.models.embedder import Embedder
from switchboard.scoring.evaluators.refusal import is_refusal
from switchboard.scoring.evaluators.score import Score, scored
from switchboard.scoring.transcript import Transcript
from switchboard.scoring.words import content_words, statements

PASS_MIN = 0.30
"""Cosine; answers to another question of the same domain lie below it mostly, real answers above."""
FULL = 0.60
"""A cosine from here on counts as 1: questions and their answers are seldom more alike."""
STATEMENTS_MAX = 8
QUESTION_WORDS_MIN = 2


async def relevance(turn: Transcript, embedder: Embedder) -> Score | None:
    """The likeness of the question to the answer's best statement, or to its start as a whole.

    None for what is no question of its own ("yes please"), for the supervisor's own words, and for an answer that
    declines: whether it should have is the matter of `refusal`.
    """
    claims = [each.text for each in statements(turn.text)[:STATEMENTS_MAX]]
    if not turn.agents or not claims or is_refusal(turn.text) or len(content_words(turn.message)) < QUESTION_WORDS_MIN:
        return None
    vectors = await embedder.embed([turn.message, " ".join(claims), *claims])
    likeness = float(np.max(vectors[1:] @ vectors[0]))
    value = max(0.0, min(1.0, likeness / FULL))
    reason = f"the answer is hardly about the question (cosine {likeness:.2f})"
    return scored("relevance", value, reason, pass_min=PASS_MIN / FULL)
