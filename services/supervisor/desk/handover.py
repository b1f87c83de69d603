"""A conversation in the hands of a person: how it got there, what that person is told, and back again."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from switchboard.contracts.handover import HandoverEvent, HandoverReason
from switchboard.contracts.turns import HistoryMessage

REQUESTS_TOLD_MAX = 5
TEXT_CHARACTERS_TOLD_MAX = 280

_REASONS: dict[HandoverReason, str] = {
    "asked": "The customer asks for a person.",
    "refused": "Two messages in a row were outside of what the assistants can help with.",
    "operator": "An operator took the conversation over.",
}


class Handover(BaseModel):
    """Since when and why a person has a conversation. While there is one, agents stay silent."""

    reason: HandoverReason
    since: datetime
    summary: str
    """For the person who takes it."""


def summary_of(reason: HandoverReason, history: Sequence[HistoryMessage], message: str = "") -> str:
    """What a person must know to go on, in a few lines: why, what was asked, who answered, the last words."""
    asked = [each.text for each in history if each.role == "user"]
    if message:
        asked.append(message)
    agents = list(dict.fromkeys(each.agent for each in history if each.role == "assistant" and each.agent))
    answers = [each for each in history if each.role == "assistant"]
    lines = [_REASONS[reason]]
    if asked:
        lines += ["The customer wrote:", *(f"- {_short(text)}" for text in asked[-REQUESTS_TOLD_MAX:])]
    if agents:
        lines.append(f"Answered so far: {', '.join(agents)}.")
    if answers:
        lines.append(f"The last answer was: {_short(answers[-1].text)}")
    return "\n".join(lines)


def event_of_handover(
    handover: Handover | None, *, conversation_id: str, tenant: str, user: str, by: str, at: datetime
) -> HandoverEvent:
    """The event on `conversation.handover`; None stands for the hand back."""
    return HandoverEvent(
        conversation_id=conversation_id,
        tenant=tenant,
        user=user,
        by=by,
        status="returned" if handover is None else "handed_over",
        reason=handover.reason if handover else None,
        summary=handover.summary if handover else "",
        at=at,
    )


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= TEXT_CHARACTERS_TOLD_MAX else f"{text[: TEXT_CHARACTERS_TOLD_MAX - 1]}…"
