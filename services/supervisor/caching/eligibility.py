"""Which questions may be answered by what somebody else was told: those that are complete in themselves. In doubt, not."""

import re
from collections.abc import Sequence
from typing import Literal

from switchboard.caching.semantic.lexicon import FUNCTION_WORDS
from switchboard.contracts.turns import HistoryMessage
from switchboard.routing import phrases
from switchboard.text.glossary import in_english
from switchboard.text.words import content_stems

Refusal = Literal["long", "empty", "talk", "person", "dissatisfied", "time", "context"]
CHARACTERS_MAX = 300
"""Of a question; a story is told once."""
SAID_MIN = 2
"""Words with meaning."""

_DISSATISFIED = re.compile(
    r"\b(?:again|already|still|wrong|incorrect|not (?:right|true|correct|what i|helpful|working|help|work)|"
    r"(?:does|did|do|is|was)n'?t (?:right|true|correct|what i|helpful|working|help|work|answer)|"
    r"you (?:said|told|just|keep)|instead|i (?:asked|meant|mean|said|tried)|no use|useless)\b",
    re.IGNORECASE,
)
"""Who says so has an answer already, and wants another one."""
_OWN = re.compile(r"\b(?:my|mine|our|ours|me|us|myself)\b", re.IGNORECASE)
_TIME = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|now|currently|at the moment|(?:this|last|next) (?:morning|afternoon|evening|"
    r"week|weekend|month|quarter|year|monday|tuesday|wednesday|thursday|friday|saturday|sunday))\b",
    re.IGNORECASE,
)
"""What is true of a day is not true of the next."""


def refusal(message: str, history: Sequence[HistoryMessage]) -> Refusal | None:
    """Why a message is not looked up, and its answer not kept; None where both may be."""
    if len(message) > CHARACTERS_MAX:
        return "long"
    if phrases.asks_for_person(message):
        return "person"
    if phrases.small_talk(message) is not None or phrases.is_bare_yes_or_no(message):
        return "talk"
    if len(content_stems(message)) < SAID_MIN:
        return "empty"
    if _DISSATISFIED.search(message.replace("’", "'")):
        return "dissatisfied"
    if _TIME.search(message):
        return "time"
    return "context" if history and _leans_on(message, history) else None


def _leans_on(message: str, history: Sequence[HistoryMessage]) -> bool:
    """Whether it means something only after what was said before."""
    if phrases.points_back(message) or phrases.leans_on_context(message) or phrases.is_yes_or_no(message):
        return True
    asked = history[-1].role == "assistant" and phrases.ends_in_question(history[-1].text)
    return (asked and not phrases.ends_in_question(message)) or phrases.is_detail(message)


def is_general(message: str, topic: str) -> bool:
    """Whether a question is one for the articles: it resembles questions to a section of one, and speaks of nothing of
    the customer's own."""
    return "#" in topic and not _OWN.search(message)


def is_english(message: str) -> bool:
    """Whether the guards can read it: they know English only. Another language's question is found to the letter."""
    words = [word for word in message.lower().split() if word]
    return in_english(message) == " ".join(message.split()) and any(
        word.strip(".,!?") in FUNCTION_WORDS for word in words
    )
