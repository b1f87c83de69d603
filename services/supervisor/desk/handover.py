"""A conversation in the hands of a person: how it gets there, what that person is told, and back again."""

from collections.abc import Sequence

from services.supervisor.turns.conversations import UNKNOWN_CONVERSATION, Conversations
from services.supervisor.turns.publisher import BackgroundPublisher
from services.supervisor.turns.records import Conversation, Handover, now
from switchboard.contracts import topics
from switchboard.contracts.errors import Forbidden, NotFound
from switchboard.contracts.handover import HandoverEvent, HandoverReason
from switchboard.contracts.turns import HistoryMessage, Principal

OPERATOR = "operator"
REQUESTS_TOLD_MAX = 5
TEXT_CHARACTERS_TOLD_MAX = 280

_REASONS: dict[HandoverReason, str] = {
    "asked": "The customer asks for a person.",
    "refused": "Two messages in a row were outside of what the assistants can help with.",
    "operator": "An operator took the conversation over.",
}


class Handovers:
    """Hand-overs that the API asks for; those that a message asks for are part of its turn.

    May be called concurrently. Asking for what is so already changes nothing and publishes nothing.
    """

    def __init__(self, conversations: Conversations, publisher: BackgroundPublisher) -> None:
        self._conversations = conversations
        self._publisher = publisher

    async def hand_over(self, principal: Principal, conversation_id: str) -> Handover:
        """Raises `NotFound`, for somebody else's conversation too unless an operator asks."""
        conversation = await self._conversations.of_tenant(principal, conversation_id)
        is_operator = OPERATOR in principal.roles
        if not is_operator and conversation.owner != principal.user:
            raise NotFound(UNKNOWN_CONVERSATION)
        reason = "operator" if conversation.owner != principal.user else "asked"
        handover = handover_of(reason, conversation.history())
        before = await self._conversations.hand_over(principal, conversation_id, handover)
        if before.handover is not None:
            return before.handover
        self._publish(before, handover, principal.user)
        return handover

    async def hand_back(self, principal: Principal, conversation_id: str) -> None:
        """Raises `Forbidden` for who is no operator, `NotFound`."""
        if OPERATOR not in principal.roles:
            raise Forbidden("Only an operator can give a conversation back to the agents.")
        before = await self._conversations.hand_over(principal, conversation_id, None)
        if before.handover is not None:
            self._publish(before, None, principal.user)

    def _publish(self, conversation: Conversation, handover: Handover | None, by: str) -> None:
        whose = (conversation.conversation_id, conversation.tenant, conversation.owner)
        event = event_of_handover(handover, *whose, by=by)
        self._publisher.publish(topics.HANDOVER, event.model_dump(mode="json"))


def handover_of(reason: HandoverReason, history: Sequence[HistoryMessage], message: str = "") -> Handover:
    """A hand-over that begins now; `message` is what the user wrote last, where the history has it not yet."""
    return Handover(reason=reason, since=now(), summary=summary_of(reason, history, message))


def event_of_handover(
    handover: Handover | None, conversation_id: str, tenant: str, user: str, *, by: str
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
        at=now(),
    )


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


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= TEXT_CHARACTERS_TOLD_MAX else f"{text[: TEXT_CHARACTERS_TOLD_MAX - 1]}…"
