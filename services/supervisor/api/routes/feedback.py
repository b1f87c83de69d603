"""What users think of answers, and what variants of an experiment scored."""

from fastapi import APIRouter

from services.supervisor.api.documentation import PROBLEMS
from services.supervisor.api.requests import Caller, Operator, Wired
from services.supervisor.feedback.ratings import FeedbackList, FeedbackRequest, FeedbackView
from services.supervisor.feedback.review import ReviewList
from switchboard.contracts.errors import NotFound
from switchboard.experiments.tally import ExperimentScores

router = APIRouter(prefix="/v1", responses=PROBLEMS, tags=["feedback"])


@router.post("/feedback")
async def give_feedback(caller: Caller, supervisor: Wired, given: FeedbackRequest) -> FeedbackView:
    """Rates one of your own turns, thumbs up or down, with a comment if you like; again, and the last one counts."""
    return await supervisor.ratings.give(caller, given)


@router.get("/feedback")
async def feedback(operator: Operator, supervisor: Wired) -> FeedbackList:
    """The newest rated turns of your tenant, without anybody's words. For operators."""
    return await supervisor.ratings.newest(operator.tenant)


@router.get("/feedback/review")
async def review(operator: Operator, supervisor: Wired) -> ReviewList:
    """The newest turns of your tenant that were called bad, with their transcripts, without personal data. For operators."""
    return await supervisor.reviews.newest(operator.tenant)


@router.delete("/feedback/review/{turn_id}", status_code=204)
async def reviewed(operator: Operator, supervisor: Wired, turn_id: str) -> None:
    """Takes a turn off the review list: somebody has looked at it. For operators."""
    await supervisor.reviews.remove(operator.tenant, turn_id)


@router.get("/experiments/{name}")
async def experiment(operator: Operator, supervisor: Wired, name: str) -> ExperimentScores:
    """What the variants of an experiment scored so far in your tenant. For operators."""
    found = supervisor.experiments.named(name)
    if found is None:
        raise NotFound("There is no such experiment.")
    return await supervisor.experiment_tallies.scores(found, operator.tenant)
