"""Thumbs: a user rates a turn of their own; it stands on the turn's record, on its trace, and in the tenant's index."""

import asyncio
import logging
import random
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from services.supervisor.conversations import UNKNOWN_TURN, Conversations
from services.supervisor.online_evaluation import place_of
from services.supervisor.records import Rating, Turn, now
from services.supervisor.scoreboard import Scoreboard
from switchboard.contracts.errors import Conflict, NotFound, SwitchboardError, Unprocessable
from switchboard.contracts.turns import ConversationId, Principal
from switchboard.evaluation.span import record_rating
from switchboard.sidecar import keys
from switchboard.sidecar.ports import StateStore

ATTEMPTS_MAX = 4
JITTER_S_MAX = 0.03
INDEX_MAX = 500
"""Newest rated turns of a tenant that the index holds."""
COMMENT_CHARACTERS_MAX = 2_000

logger = logging.getLogger(__name__)


class FeedbackRequest(BaseModel):
    """Body of `POST /v1/feedback`. Rating a turn again replaces what was said before."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    turn_id: str = Field(min_length=1, max_length=128)
    conversation_id: ConversationId
    rating: Literal["up", "down"]
    comment: str = Field(default="", max_length=COMMENT_CHARACTERS_MAX)


class FeedbackView(BaseModel):
    """A rating as it is kept."""

    turn_id: str
    conversation_id: str
    rating: Literal["up", "down"]
    comment: str = ""
    at: datetime


class RatedTurn(BaseModel):
    """One line of the index, without anybody's words."""

    turn_id: str
    rating: Literal["up", "down"]
    at: datetime


class FeedbackList(BaseModel):
    """Newest first."""

    ratings: list[RatedTurn]


class Feedback:
    """May be called concurrently, in any number of replicas."""

    def __init__(self, conversations: Conversations, state: StateStore, scoreboard: Scoreboard) -> None:
        self._conversations = conversations
        self._state = state
        self._scoreboard = scoreboard

    async def give(self, principal: Principal, request: FeedbackRequest) -> FeedbackView:
        """Keeps a rating. Raises `NotFound` (a turn of somebody else too), `Unprocessable` (it still runs), `Conflict`."""
        given = Rating(rating=request.rating, comment=request.comment, at=now())
        turn, before = await self._stored(principal, request, given)
        record_rating(given.rating, given.comment, place_of(turn))
        if turn.experiment:
            await self._scoreboard.add_rating(turn.experiment, turn.tenant, given.rating, before)
        await self._index(turn, given)
        return FeedbackView(turn_id=turn.turn_id, conversation_id=turn.conversation_id, **given.model_dump())

    async def newest(self, tenant: str) -> FeedbackList:
        """The tenant's rated turns, newest first, at most 500."""
        item = await self._state.get(keys.feedback_index(tenant))
        return FeedbackList(ratings=[RatedTurn.model_validate(each) for each in (item.value if item else [])])

    async def _stored(self, principal: Principal, request: FeedbackRequest, given: Rating) -> tuple[Turn, str]:
        """The rated turn, and its rating before."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            item = await self._conversations.turn_item(principal.tenant, request.turn_id)
            turn = Turn.model_validate(item.value).as_read() if item else None
            if item is None or turn is None or turn.user != principal.user:
                raise NotFound(UNKNOWN_TURN)
            if turn.conversation_id != request.conversation_id:
                raise NotFound(UNKNOWN_TURN)
            if turn.status == "running":
                raise Unprocessable("This answer is not complete yet. Please rate it when it is.")
            before = turn.rating.rating if turn.rating else ""
            turn.rating = given
            try:
                await self._conversations.replace_turn(turn, item.etag)
                return turn, before
            except Conflict:
                await asyncio.sleep(random.random() * JITTER_S_MAX * attempt)
        raise Conflict

    async def _index(self, turn: Turn, given: Rating) -> None:
        """The index is a convenience: where it cannot be written, the rating is kept all the same."""
        line = RatedTurn(turn_id=turn.turn_id, rating=given.rating, at=given.at).model_dump(mode="json")
        key = keys.feedback_index(turn.tenant)
        try:
            for attempt in range(1, ATTEMPTS_MAX + 1):
                item = await self._state.get(key)
                lines = [each for each in (item.value if item else []) if each["turn_id"] != turn.turn_id]
                lines = [line, *lines][:INDEX_MAX]
                try:
                    if item is None:
                        await self._state.create(key, lines)
                    else:
                        await self._state.replace(key, lines, etag=item.etag)
                    return
                except Conflict:
                    await asyncio.sleep(random.random() * JITTER_S_MAX * attempt)
            logger.warning("the rating of turn %s is not in the index: too many writers", turn.turn_id)
        except SwitchboardError as error:
            logger.warning("the rating of turn %s is not in the index: %s", turn.turn_id, error.code)
