"""What a turn did for its user before it failed: a person who is told that an answer is lost must know what is not."""

import logging
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from switchboard.contracts.errors import SwitchboardError
from switchboard.contracts.tools import ToolOutcome
from switchboard.sidecar import keys
from switchboard.sidecar.ports import KEYS_MAX, StateStore

logger = logging.getLogger(__name__)


class EffectsTold:
    """Reads the records of effects that agents write. May be called concurrently."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    async def of(self, turn_id: str, calls: Sequence[str]) -> list[str]:
        """A sentence for each effect among the tool calls `calls` of a turn. Raises nothing: what cannot be read is not told."""
        if not calls:
            return []
        try:
            items = await self._state.get_many([keys.effect(turn_id, call) for call in calls[:KEYS_MAX]])
        except SwitchboardError as error:
            logger.warning("the effects of turn %s cannot be read: %s", turn_id, error.code)
            return []
        return [_sentence(call, item.value) for call, item in zip(calls, items, strict=False) if item is not None]


def _sentence(call: str, record: Any) -> str:
    """A call's id begins with its tool's name."""
    name = call.partition("-")[0].replace("_", " ")
    if record.get("status") != "done":
        return f"It is not known whether this was done: {name}."
    try:
        outcome = ToolOutcome.model_validate(record["outcome"])
    except (ValidationError, KeyError):
        return f"{name.capitalize()}: done."
    return outcome.facts[0] if outcome.facts else f"{name.capitalize()}: done."
