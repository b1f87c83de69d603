"""Whether the answer declines, and whether it should have."""

import re
from typing import Final

from switchboard.scoring.evaluators.score import Score, scored
from switchboard.scoring.expected import Expected
from switchboard.scoring.transcript import Transcript
from switchboard.scoring.words import plain

_CANNOT: Final = (
    r"(?:do not|don't|cannot|can't|can not|could not|couldn't|am not able to|am unable to|was unable to|may not)"
)
_REFUSAL: Final = re.compile(
    rf"\bi(?:'m sorry, (?:but )?i)? {_CANNOT} (?:know|find|see|answer|help|do that|tell|share|say|look|access|discuss|"
    r"reveal|show|give|have (?:any|that|this)|open|place|book|change)"
    r"|\boutside of what i can help with"
    r"|\bthat is not something i can\b|\bnothing (?:was found|in our articles|that answers)"
    r"|\bno (?:answer|information|article) (?:to|on|about|for)\b|\bi have no (?:answer|information)"
    r"|\b(?:can|could) (?:see|find) no\b|\bno such (?:invoice|payment|ticket|refund|product)"
    r"|\b(?:is not|there is no .{1,40}) on your account\b|\bnot (?:find|have) (?:it|that|any) in (?:the|our) catalogue"
)


def is_refusal(text: str) -> bool:
    """Whether a text says that it does not know, cannot or may not."""
    return _REFUSAL.search(plain(text)) is not None


def refusal(turn: Transcript, expected: Expected) -> Score | None:
    """1 where the answer declines exactly when it should."""
    if expected.refuse is None:
        return None
    declined = is_refusal(turn.text)
    wrong = "answers what it should decline" if expected.refuse else "declines what it should answer"
    return scored("refusal", float(declined == expected.refuse), wrong)
