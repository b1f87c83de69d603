"""What an agent offered last in a conversation, kept so that a bare "yes please" can be acted on.

An offer stays open while the talk goes on: somebody who asks first how long it takes has not declined.
"""

import logging
import re
from collections.abc import Collection, Sequence

from pydantic import ValidationError

from switchboard.contracts.errors import Unavailable
from switchboard.contracts.tools import Offer
from switchboard.contracts.turns import TurnRequest
from switchboard.sidecar import keys
from switchboard.sidecar.ports import StateKey, StateStore

logger = logging.getLogger(__name__)

OFFER_TTL_S = 3600
_CONDITION = re.compile(r"^If (?:that|this|it)\b[^,]*,\s*")
"""'If that does not help, shall I …?': an answer may leave it out."""


def told_offer(text: str, offers: Sequence[Offer], *, verbatim: bool) -> Offer | None:
    """Of `offers`, the newest last, the one that an answer asks; else, unless it is told `verbatim`, the newest one
    where the answer asks anything."""
    said = text.casefold()
    told = next((each for each in reversed(offers) if _CONDITION.sub("", each.question).casefold() in said), None)
    if told is None and not verbatim and "?" in text:
        return offers[-1] if offers else None
    return told


class PendingOffers:
    """Reads and writes an agent's offers. A lost offer costs the user a question, so nothing here fails a turn."""

    def __init__(self, state: StateStore, agent_id: str) -> None:
        self._state = state
        self._agent_id = agent_id

    async def read(self, request: TurnRequest) -> Offer | None:
        """The offer that the user may be answering to: None where no answer asked anything, which costs no read."""
        if not any(message.role == "assistant" and "?" in message.text for message in request.history):
            return None
        try:
            item = await self._state.get(self._key(request))
            return Offer.model_validate(item.value) if item is not None and item.value else None
        except (Unavailable, ValidationError) as error:
            logger.warning("The pending offer of %s cannot be read: %s", request.conversation_id, error)
            return None

    async def write(
        self, request: TurnRequest, offer: Offer | None, *, was: Offer | None, called: Collection[str]
    ) -> None:
        """Keeps `offer` for an hour; without one, clears what `was` there if its tool was `called` in this turn."""
        if offer == was or (offer is None and was is not None and was.tool not in called):
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
