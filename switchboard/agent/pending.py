"""What an agent offered last in a conversation, kept so that a bare "yes please" can be acted on."""

import logging

from pydantic import ValidationError

from switchboard.contracts.errors import Unavailable
from switchboard.contracts.tools import Offer
from switchboard.contracts.turns import TurnRequest
from switchboard.sidecar import keys
from switchboard.sidecar.ports import StateKey, StateStore

logger = logging.getLogger(__name__)

OFFER_TTL_S = 3600


class PendingOffers:
    """Reads and writes an agent's offers. A lost offer costs the user a question, so nothing here fails a turn."""

    def __init__(self, state: StateStore, agent_id: str) -> None:
        self._state = state
        self._agent_id = agent_id

    async def read(self, request: TurnRequest) -> Offer | None:
        """The offer that the user may be answering to: None where the last answer asked nothing, which costs no read."""
        last = next((message.text for message in reversed(request.history) if message.role == "assistant"), "")
        if "?" not in last:
            return None
        try:
            item = await self._state.get(self._key(request))
            return Offer.model_validate(item.value) if item is not None and item.value else None
        except (Unavailable, ValidationError) as error:
            logger.warning("The pending offer of %s cannot be read: %s", request.conversation_id, error)
            return None

    async def write(self, request: TurnRequest, offer: Offer | None, *, was: Offer | None) -> None:
        """Keeps `offer` for an hour, or clears what `was` there."""
        if offer == was:
            return
        try:
            if offer is None:
                await self._state.delete(self._key(request))
            else:
                await self._state.put(self._key(request), offer.model_dump(mode="json"), ttl_s=OFFER_TTL_S)
        except Unavailable as error:
            logger.warning("The pending offer of %s cannot be kept: %s", request.conversation_id, error)

    def _key(self, request: TurnRequest) -> StateKey:
        return keys.pending(request.principal.tenant, request.conversation_id, self._agent_id)
