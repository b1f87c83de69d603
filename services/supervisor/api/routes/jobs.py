"""A question whose answer is fetched later."""

from fastapi import APIRouter, Request, Response

from services.supervisor.api.bodies import JobAccepted, JobView
from services.supervisor.api.documentation import JOB_RESPONSES, PROBLEMS, chat_body
from services.supervisor.api.requests import Caller, Wired, ask_of, json_response, session_of

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.post("", status_code=202, responses=JOB_RESPONSES, openapi_extra=chat_body())
async def start_job(request: Request, supervisor: Wired) -> Response:
    """Asks a question without waiting: 202, and the answer later at `Location`."""
    turn = await supervisor.jobs.accept(await ask_of(request, session_of(request).principal))
    location = f"/v1/jobs/{turn.turn_id}"
    body = JobAccepted(
        turn_id=turn.turn_id, conversation_id=turn.conversation_id, status=turn.status, location=location
    )
    return json_response(body, 202, {"location": location})


@router.get("/{turn_id}", response_model=JobView, responses=PROBLEMS)
async def job(turn_id: str, caller: Caller, supervisor: Wired) -> Response:
    """How far a job is, and its answer once it is there."""
    return json_response(JobView.of_job(await supervisor.jobs.job(caller, turn_id)))
