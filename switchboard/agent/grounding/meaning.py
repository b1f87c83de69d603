"""How far the evidence supports what an answer says, by meaning: a score for the trace and for evaluation.

It cuts nothing: two amounts have almost one vector, and a kind word has none in the evidence. Hard facts are `check.py`'s.
"""

import re
from collections.abc import Sequence
from typing import Final

from switchboard.models.embedder import Embedder
from switchboard.text.sentences import sentences

ANSWER_SENTENCES_MAX = 16
EVIDENCE_SENTENCES_MAX = 48
SENTENCE_CHARACTERS_MAX = 400
WORDS_MIN = 4
"""Fewer say nothing that evidence could support: "Of course!"."""

_PASSES: Final = re.compile(
    r"\?\W*$|^\W*(?:hi|hello|dear|thanks?|thank you|sorry|i'm (?:so |very |really )?sorry|i (?:understand|see|know|can)|if you|let me|please let|just say"
    r"|you(?:'re| are) welcome|hallo|guten|danke|gerne?|es tut mir|das tut mir|ich (?:verstehe|kann)|wenn sie|falls sie"
    r"|hola|gracias|lo siento|siento|entiendo|puedo|si quiere|si lo desea)\b",
    re.IGNORECASE,
)
"""Questions, greetings, empathy and offers."""


def claims_in(answer: str) -> list[str]:
    """The sentences of an answer that say how things are."""
    found = [each.strip()[:SENTENCE_CHARACTERS_MAX] for each in sentences(answer)]
    claims = [each for each in found if len(each.split()) >= WORDS_MIN and not _PASSES.search(each)]
    return claims[:ANSWER_SENTENCES_MAX]


async def support_score(answer: str, evidence: str, embedder: Embedder) -> float | None:
    """The mean of each claim's best cosine to a sentence of the evidence, -1 to 1; None where nothing is claimed or nothing
    is known. One request to the embedder. Raises what `embedder.embed` raises."""
    claims = claims_in(answer)
    known = list(dict.fromkeys(each.strip()[:SENTENCE_CHARACTERS_MAX] for each in _sentences(evidence)))
    known = known[-EVIDENCE_SENTENCES_MAX:]
    if not claims or not known:
        return None
    vectors = await embedder.embed([*claims, *known])
    cosines = vectors[: len(claims)] @ vectors[len(claims) :].T
    return float(cosines.max(axis=1).mean())


def _sentences(text: str) -> Sequence[str]:
    return [each for line in text.splitlines() for each in sentences(line) if len(each.split()) > 1]
