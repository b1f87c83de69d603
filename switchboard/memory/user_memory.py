"""What is remembered of a user across conversations, and only with their consent. It is off until they turn it on."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, Field

from switchboard.contracts.turns import EARLIER_MAX, ENTITIES_MAX, PREFERENCES_MAX, Entity, Remembered
from switchboard.memory.conversation_memory import AnsweredTurn, note_of
from switchboard.memory.entities import entities_in, newest_first, preferences_in

LASTING = frozenset({"customer", "device", "line", "order", "reference", "refund", "ticket"})
"""Kinds worth knowing in another conversation; a month or an invoice belongs to what was asked there."""
CONVERSATIONS_MAX = 20
NOTE_CHARACTERS_MAX = 200


class PastConversation(BaseModel):
    """A conversation in one line: what it came to last."""

    conversation_id: str
    at: datetime
    note: str


class UserMemory(BaseModel):
    """One record a user, of bounded size. Without `consent` there is nothing else in it."""

    consent: bool = False
    consented_at: datetime | None = None
    entities: list[Entity] = Field(default_factory=list[Entity], max_length=ENTITIES_MAX)
    """The newest first."""
    preferences: list[str] = Field(default_factory=list[str], max_length=PREFERENCES_MAX)
    """In the user's words, the newest first."""
    conversations: list[PastConversation] = Field(default_factory=list[PastConversation], max_length=CONVERSATIONS_MAX)
    """The newest first."""
    updated_at: datetime | None = None

    def learned(self, conversation_id: str, turns: Sequence[AnsweredTurn]) -> "UserMemory":
        """The memory after `turns` of a conversation; the same without consent."""
        if not self.consent:
            return self
        after = self.model_copy(deep=True)
        for turn in turns:
            named = [
                each for each in entities_in(f"{turn.message}\n{turn.text}", turn.at.date()) if each.kind in LASTING
            ]
            after.entities = newest_first(after.entities, named, ENTITIES_MAX)
            fresh = preferences_in(turn.message)
            after.preferences = list(dict.fromkeys([*reversed(fresh), *after.preferences]))[:PREFERENCES_MAX]
            past = PastConversation(
                conversation_id=conversation_id, at=turn.at, note=note_of(turn)[:NOTE_CHARACTERS_MAX]
            )
            others = [each for each in after.conversations if each.conversation_id != conversation_id]
            after.conversations = [past, *others][:CONVERSATIONS_MAX]
            after.updated_at = turn.at
        return after

    def added_to(self, remembered: Remembered | None, conversation_id: str | None) -> Remembered | None:
        """What an agent is told: of the conversation, and with consent of the user; None where there is nothing."""
        if not self.consent:
            return remembered
        earlier = [each.note for each in self.conversations if each.conversation_id != conversation_id][:EARLIER_MAX]
        if not (self.entities or self.preferences or earlier):
            return remembered
        return (remembered or Remembered()).model_copy(
            update={"user_entities": self.entities, "preferences": self.preferences, "earlier": earlier}
        )
