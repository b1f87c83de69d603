"""The part of a passage that a claim was taken from: what a citation points at."""

from switchboard.text.sentences import sentence_spans
from switchboard.text.stems import stem
from switchboard.text.words import content_terms

COVERAGE_MIN = 0.4
"""Below this the claim is not in the passage's words: the whole passage is cited."""
NEAR_BEST_MIN = 0.6
"""Sentences beside the best one that have so much of its share of the claim's words belong to the span."""


def cited_span(passage: str, claim: str) -> tuple[int, int]:
    """Start and end of whole sentences of `passage`, in order and without gaps, that say what `claim` says.

    A claim of several sentences has the span of all of them that the passage says; of none, the whole passage.
    """
    sentences = list(sentence_spans(passage))
    parts = [claim[start:end] for start, end in sentence_spans(claim)]
    spans = [span for part in parts if (span := _narrowed(passage, sentences, part)) is not None]
    if not spans or len(sentences) < 2:
        return 0, len(passage)
    return min(start for start, _ in spans), max(end for _, end in spans)


def _narrowed(passage: str, sentences: list[tuple[int, int]], claim: str) -> tuple[int, int] | None:
    """Of one sentence of a claim; None where the passage does not say it."""
    asked = _stems(claim)
    if not asked or not sentences:
        return None
    shares = [len(asked & _stems(passage[start:end])) / len(asked) for start, end in sentences]
    best = max(range(len(shares)), key=lambda place: shares[place])
    first = last = best
    while first > 0 and shares[first - 1] >= NEAR_BEST_MIN * shares[best]:
        first -= 1
    while last + 1 < len(shares) and shares[last + 1] >= NEAR_BEST_MIN * shares[best]:
        last += 1
    start, end = sentences[first][0], sentences[last][1]
    covered = len(asked & _stems(passage[start:end])) / len(asked)
    return (start, end) if covered >= COVERAGE_MIN else None


def _stems(text: str) -> set[str]:
    return {stem(term) for term in content_terms(text)}
