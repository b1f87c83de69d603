"""What was called bad, with its transcript, for the operators of its tenant to look at: the newest, without personal data."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from pydantic import BaseModel, Field

from services.supervisor.turns.records import Turn
from switchboard.contracts.errors import SwitchboardError
from switchboard.sidecar import keys
from switchboard.sidecar.change import change
from switchboard.sidecar.ports import StateStore
from switchboard.text.personal_data import redacted

REVIEWS_MAX = 50
"""Of a tenant; 8 KB each at most."""
BEFORE_MAX = 4
"""Turns before the rated one."""
MESSAGE_CHARACTERS_MAX, ANSWER_CHARACTERS_MAX = 600, 1_000

logger = logging.getLogger(__name__)


class ReviewedTurn(BaseModel):
    """One turn of the transcript."""

    message: str
    text: str
    agents: list[str]
    tools: list[str]
    sources: list[str]
    """Addresses of the passages that it cites."""


class Review(BaseModel):
    """A turn that its user called bad. Words are redacted; `transcript` ends with the turn itself."""

    turn_id: str
    at: datetime
    comment: str = ""
    trace_id: str = ""
    cache_hit: bool = False
    experiment: str = ""
    failure: str = ""
    transcript: list[ReviewedTurn]


class ReviewList(BaseModel):
    """The value of `review|<tenant>`, newest first."""

    reviews: list[Review] = Field(default_factory=list[Review])


class Reviews:
    """May be called concurrently, in any number of replicas."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    async def add(self, turns: Sequence[Turn]) -> None:
        """The last of `turns` was rated down; the others came before it. What cannot be written is logged."""
        review = review_of(turns)
        tenant = turns[-1].tenant
        try:
            await self._change(tenant, lambda reviews: [review, *_without(reviews, review.turn_id)][:REVIEWS_MAX])
        except SwitchboardError as error:
            logger.warning("turn %s is not on the review list: %s", review.turn_id, error.code)

    async def remove(self, tenant: str, turn_id: str) -> None:
        """Its user thinks otherwise now, or somebody has looked at it. Raises `Conflict` and `Unavailable`."""
        await self._change(tenant, lambda reviews: _without(reviews, turn_id))

    async def forget(self, tenant: str, conversation_id: str) -> None:
        """Takes out every turn of a conversation that is deleted. Raises `Conflict` and `Unavailable`."""
        await self._change(
            tenant, lambda reviews: [each for each in reviews if each.turn_id.rpartition(".")[0] != conversation_id]
        )

    async def newest(self, tenant: str) -> ReviewList:
        item = await self._state.get(keys.review_list(tenant))
        return ReviewList.model_validate(item.value) if item is not None else ReviewList()

    async def _change(self, tenant: str, fn: Callable[[list[Review]], list[Review]]) -> None:
        def changed(stored: ReviewList | None) -> ReviewList | None:
            before = stored.reviews if stored is not None else []
            after = fn(before)
            return ReviewList(reviews=after) if after != before else None

        await change(self._state, keys.review_list(tenant), changed, ReviewList)


def review_of(turns: Sequence[Turn]) -> Review:
    """The last of `turns`, with those before it, without personal data."""
    turn = turns[-1]
    comment = turn.rating.comment if turn.rating is not None else ""
    return Review(
        turn_id=turn.turn_id,
        at=turn.rating.at if turn.rating is not None else turn.created_at,
        comment=redacted(comment, [turn.user])[:MESSAGE_CHARACTERS_MAX],
        trace_id=turn.trace_id,
        cache_hit=turn.cache_hit,
        experiment=turn.experiment,
        failure=turn.failure,
        transcript=[_redacted(each) for each in turns[-1 - BEFORE_MAX :]],
    )


def _redacted(turn: Turn) -> ReviewedTurn:
    ours = " ".join(text for each in turn.citations for text in (each.title, each.span))
    return ReviewedTurn(
        message=redacted(turn.message, [turn.user], public=ours)[:MESSAGE_CHARACTERS_MAX],
        text=redacted(turn.text, [turn.user], public=ours)[:ANSWER_CHARACTERS_MAX],
        agents=turn.agents,
        tools=turn.tools,
        sources=[each.uri for each in turn.citations],
    )


def _without(reviews: list[Review], turn_id: str) -> list[Review]:
    return [each for each in reviews if each.turn_id != turn_id]
