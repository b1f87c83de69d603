"""Which earlier messages a question continues, by rules: 'and last month?' means nothing without what was asked before.

A real model rewrites by itself: the tool's argument asks for a question that is complete in itself. The rules serve
the embedded model, and a real one that passed the user's words as they were.
"""

import re
from collections.abc import Sequence

from switchboard.text.words import content_terms

EARLIER_MAX = 3
COMPLETE_WORDS_MIN = 5
"""A question with so many words that say something is complete, whatever its pronouns."""
SHORT_WORDS_MAX = 1

ELLIPSIS = re.compile(
    r"^\W*(?:and|or|but|also|so|then|what about|how about|what if|same|why not|for how long|how so|which one|else)\b",
    re.IGNORECASE,
)
PRONOUN = re.compile(
    r"\b(?:it|its|that|this|these|those|they|them|their|he|she|him|her|one|ones|there|the same|another|instead)\b",
    re.IGNORECASE,
)


def continues(question: str) -> bool:
    """True for a question that means something only together with what was said before it."""
    words = content_terms(question)
    if len(words) >= COMPLETE_WORDS_MIN:
        return False
    return len(words) <= SHORT_WORDS_MAX or bool(ELLIPSIS.search(question) or PRONOUN.search(question))


def earlier_of(question: str, before: Sequence[str]) -> tuple[str, ...]:
    """The user's earlier messages, newest first, back to the first that is complete in itself; none for a complete
    question. What says nothing, such as 'yes please', is left out."""
    if not continues(question):
        return ()
    kept: list[str] = []
    for message in before:
        if message.strip() == question.strip():
            continue
        if content_terms(message):
            kept.append(message)
        if len(kept) == EARLIER_MAX or not continues(message):
            break
    return tuple(kept)
