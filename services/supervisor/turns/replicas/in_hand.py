"""What this replica has in hand, in a fixed number of slots: a state store cannot list its keys, but slots can be read.

The slot of a turn is written with the turn's record and never cleared: the turn is looked up, and has ended or not. That of
a deletion is cleared when it is done.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from switchboard.contracts.errors import Unavailable
from switchboard.sidecar import keys
from switchboard.sidecar.ports import KEYS_MAX, StateKey, StateStore

SLOTS_MAX = 1_024
"""More than the turns that run at once: one that ended keeps its slot until all that follows it is done."""
RETRY_AFTER_S = 2
PARALLEL_DELETES = 16


class InHand(BaseModel):
    """A turn that a replica answers, or answered and has still to follow up."""

    kind: Literal["turn"] = "turn"
    tenant: str
    conversation_id: str
    n: int


class DeletionInHand(BaseModel):
    """What a user wants to be deleted, and is not yet."""

    kind: Literal["deletion"] = "deletion"
    tenant: str
    user: str
    conversation_id: str = ""
    """Empty for all that they have, with what is remembered of them."""
    asked_at: datetime
    """Conversations that began later stay."""


AnyInHand = InHand | DeletionInHand
_adapter: TypeAdapter[AnyInHand] = TypeAdapter(Annotated[AnyInHand, Field(discriminator="kind")])


class Slots:
    """The slots of the replica `owner`. Not for other threads."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self._free = deque(range(SLOTS_MAX))

    def take(self) -> "Slot":
        """The slot that is free for longest. Raises `Unavailable` when none is."""
        if not self._free:
            raise Unavailable(retry_after_s=RETRY_AFTER_S)
        return Slot(self, self._free.popleft())

    def give_back(self, number: int) -> None:
        self._free.append(number)


@dataclass(slots=True)
class Slot:
    """One that is taken, until it is `free`d."""

    slots: Slots
    number: int
    is_taken: bool = True

    def record(self, tenant: str, conversation_id: str, n: int) -> tuple[StateKey, Any]:
        """What is to be written with the turn `n` of a conversation, or before it."""
        return self.key, InHand(tenant=tenant, conversation_id=conversation_id, n=n).model_dump()

    @property
    def key(self) -> StateKey:
        """Of its record."""
        return keys.in_hand(self.slots.owner, self.number)

    def free(self) -> None:
        """What it names has ended, and all that follows is done; again changes nothing."""
        if self.is_taken:
            self.is_taken = False
            self.slots.give_back(self.number)


async def in_hand_of(state: StateStore, owner: str) -> dict[int, AnyInHand]:
    """What the slots of a replica name, ended or not. Raises `Unavailable`."""
    found: dict[int, AnyInHand] = {}
    for first in range(0, SLOTS_MAX, KEYS_MAX):
        slots = range(first, min(first + KEYS_MAX, SLOTS_MAX))
        items = await state.get_many([keys.in_hand(owner, slot) for slot in slots])
        for slot, item in zip(slots, items, strict=True):
            entry = _entry(item.value) if item is not None else None
            if entry is not None:
                found[slot] = entry
    return found


async def clear_in_hand(state: StateStore, owner: str, slots: Iterable[int]) -> None:
    """Deletes the records of slots, all of which are ended or in other hands. Raises `Unavailable`."""
    every = list(slots)
    for first in range(0, len(every), PARALLEL_DELETES):
        part = every[first : first + PARALLEL_DELETES]
        await asyncio.gather(*(state.delete(keys.in_hand(owner, slot)) for slot in part))


def _entry(value: Any) -> AnyInHand | None:
    """None for what another version wrote."""
    try:
        return _adapter.validate_python({"kind": "turn"} | value)
    except ValidationError:
        return None
