"""The event on `conversation.handover`: a conversation went to a person, or came back to the agents."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

HandoverReason = Literal["asked", "refused", "operator"]
"""The user asked for a person; two messages in a row were refused; an operator took it."""


class HandoverEvent(BaseModel):
    """For whoever answers as a person. `reason` and `summary` are there when it was handed over."""

    conversation_id: str
    tenant: str
    user: str
    """Whose conversation it is."""
    by: str
    """Who handed it over, or back."""
    status: Literal["handed_over", "returned"]
    reason: HandoverReason | None = None
    summary: str = ""
    at: datetime
