"""The newest rated turns of each tenant: an index, for a state store cannot list its records."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from switchboard.contracts.errors import SwitchboardError
from switchboard.sidecar import keys
from switchboard.sidecar.change import change
from switchboard.sidecar.ports import StateStore

INDEX_MAX = 500

logger = logging.getLogger(__name__)

Line = dict[str, Any]


class RatedTurn(BaseModel):
    """One line of the index, without anybody's words."""

    turn_id: str
    rating: Literal["up", "down"]
    at: datetime


class RatingIndex:
    """May be called concurrently, in any number of replicas; at most 500 lines a tenant, the newest first."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    async def add(self, tenant: str, rated: RatedTurn) -> None:
        """The index is a convenience: where it cannot be written, that is logged, and the rating stands all the same."""
        line = rated.model_dump(mode="json")
        try:
            await self._change(tenant, lambda lines: [line, *_without(lines, rated.turn_id)][:INDEX_MAX])
        except SwitchboardError as error:
            logger.warning("the rating of turn %s is not in the index: %s", rated.turn_id, error.code)

    async def forget(self, tenant: str, conversation_id: str) -> None:
        """Takes out every turn of a conversation that is deleted. Raises `Conflict` and `Unavailable`."""
        await self._change(tenant, lambda lines: [each for each in lines if not _is_of(each, conversation_id)])

    async def newest(self, tenant: str) -> list[RatedTurn]:
        item = await self._state.get(keys.feedback_index(tenant))
        return [RatedTurn.model_validate(each) for each in (item.value if item else [])]

    async def _change(self, tenant: str, fn: Callable[[list[Line]], list[Line]]) -> None:
        await change(self._state, keys.feedback_index(tenant), lambda lines: fn(lines or []))


def _without(lines: list[Line], turn_id: str) -> list[Line]:
    return [each for each in lines if each["turn_id"] != turn_id]


def _is_of(line: Line, conversation_id: str) -> bool:
    return str(line["turn_id"]).rpartition(".")[0] == conversation_id
