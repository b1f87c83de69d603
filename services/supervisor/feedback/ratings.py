"""A user rates a turn of their own: thumbs up or down, on the turn's record, on its trace, and in the tenant's index."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from services.supervisor.caching.answers import AnswerCache
from services.supervisor.feedback.experiment_tallies import ExperimentTallies
from services.supervisor.feedback.online_evaluation import place_of
from services.supervisor.feedback.rating_index import RatedTurn, RatingIndex
from services.supervisor.feedback.review import BEFORE_MAX, Reviews
from services.supervisor.turns.conversations import UNKNOWN_TURN, Conversations
from services.supervisor.turns.records import Rating, Turn, now
from switchboard.contracts.errors import NotFound, Unprocessable
from switchboard.contracts.turns import ConversationId, Principal
from switchboard.scoring.span import record_rating
from switchboard.sidecar import keys
from switchboard.sidecar.change import change
from switchboard.sidecar.ports import StateStore

COMMENT_CHARACTERS_MAX = 2_000
FILED_AWAY = "This conversation has been filed away; an answer can be rated in the days after it was given."


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


class FeedbackList(BaseModel):
    """Newest first."""

    ratings: list[RatedTurn]


class Ratings:
    """May be called concurrently, in any number of replicas."""

    def __init__(
        self,
        state: StateStore,
        conversations: Conversations,
        index: RatingIndex,
        tallies: ExperimentTallies,
        answers: AnswerCache,
        reviews: Reviews,
    ) -> None:
        self._state = state
        self._conversations = conversations
        self._index = index
        self._tallies = tallies
        self._answers = answers
        self._reviews = reviews

    async def give(self, principal: Principal, request: FeedbackRequest) -> FeedbackView:
        """Keeps a rating. Raises `NotFound` (a turn of somebody else too), `Unprocessable` (it still runs), `Conflict`."""
        given = Rating(rating=request.rating, comment=request.comment, at=now())
        turn, before = await self._stored(principal, request, given)
        record_rating(given.rating, place_of(turn), from_cache=turn.cache_hit)
        if given.rating == "down":
            if turn.kept_as:
                await self._answers.withdraw(turn.tenant, turn.kept_as)
            await self._reviews.add(await self._with_those_before(principal, turn))
        elif before == "down":
            await self._reviews.remove(turn.tenant, turn.turn_id)
        if turn.experiment:
            await self._tallies.add_rating(turn.experiment, turn.tenant, given.rating, before)
        await self._index.add(turn.tenant, RatedTurn(turn_id=turn.turn_id, rating=given.rating, at=given.at))
        return FeedbackView(turn_id=turn.turn_id, conversation_id=turn.conversation_id, **given.model_dump())

    async def newest(self, tenant: str) -> FeedbackList:
        """The tenant's rated turns, newest first, at most 500."""
        return FeedbackList(ratings=await self._index.newest(tenant))

    async def _with_those_before(self, principal: Principal, turn: Turn) -> list[Turn]:
        conversation = await self._conversations.conversation(principal, turn.conversation_id)
        after = max(0, turn.n - 1 - BEFORE_MAX)
        before = await self._conversations.page(conversation, after, turn.n - 1 - after) if turn.n > 1 else []
        return [*before, turn]

    async def _stored(self, principal: Principal, request: FeedbackRequest, given: Rating) -> tuple[Turn, str]:
        """The rated turn, and its rating before."""
        item = await self._conversations.turn_item(principal.tenant, request.turn_id)
        if item is None:
            await self._conversations.turn(principal, request.turn_id)  # raises where it is not theirs
            raise Unprocessable(FILED_AWAY)
        before = ""

        def rated(turn: Turn | None) -> Turn:
            nonlocal before
            if turn is None:
                raise Unprocessable(FILED_AWAY)
            turn = turn.as_read()
            if turn.user != principal.user or turn.conversation_id != request.conversation_id:
                raise NotFound(UNKNOWN_TURN)
            if turn.status == "running":
                raise Unprocessable("This answer is not complete yet. Please rate it when it is.")
            before = turn.rating.rating if turn.rating else ""
            return turn.model_copy(update={"rating": given})

        stored = Turn.model_validate(item.value)
        key = keys.turn(stored.tenant, stored.conversation_id, stored.n)
        turn = await change(self._state, key, rated, Turn, known=item)
        assert turn is not None
        return turn, before
