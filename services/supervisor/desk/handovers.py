"""Hand-overs that the API asks for. Those that a message asks for are part of its turn."""

from services.supervisor.desk.handover import Handover, event_of_handover, summary_of
from services.supervisor.turns.conversations import UNKNOWN_CONVERSATION, Conversations
from services.supervisor.turns.publisher import BackgroundPublisher
from services.supervisor.turns.records import Conversation, now
from switchboard.contracts import topics
from switchboard.contracts.errors import Forbidden, NotFound
from switchboard.contracts.turns import Principal

OPERATOR = "operator"


class Handovers:
    """May be called concurrently. Asking for what is so already changes nothing and publishes nothing."""

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
        handover = Handover(reason=reason, since=now(), summary=summary_of(reason, conversation.history()))
        before = await self._conversations.hand_over(principal, conversation_id, handover)
        if before.handover is not None:
            return before.handover
        self._publish(principal, before, handover)
        return handover

    async def hand_back(self, principal: Principal, conversation_id: str) -> None:
        """Raises `Forbidden` for who is no operator, `NotFound`."""
        if OPERATOR not in principal.roles:
            raise Forbidden("Only an operator can give a conversation back to the agents.")
        before = await self._conversations.hand_over(principal, conversation_id, None)
        if before.handover is not None:
            self._publish(principal, before, None)

    def _publish(self, principal: Principal, conversation: Conversation, handover: Handover | None) -> None:
        event = event_of_handover(
            handover,
            conversation_id=conversation.conversation_id,
            tenant=conversation.tenant,
            user=conversation.owner,
            by=principal.user,
            at=now(),
        )
        self._publisher.publish(topics.HANDOVER, event.model_dump(mode="json"))
