"""Conversations: their turns, their end, and their way to a person and back."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.supervisor.api.bodies import ConversationPage, HandoverView, TurnView
from services.supervisor.api.documentation import PROBLEMS
from services.supervisor.api.requests import Caller, Wired, json_response

PAGE_TURNS_DEFAULT = 50
PAGE_TURNS_MAX = 100
DELETED_LATER = "It is written down, and will be deleted without you."

router = APIRouter(prefix="/v1/conversations/{conversation_id}", responses=PROBLEMS)


@router.get("", response_model=ConversationPage, tags=["chat"])
async def conversation(
    conversation_id: str,
    caller: Caller,
    supervisor: Wired,
    after: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=PAGE_TURNS_MAX)] = PAGE_TURNS_DEFAULT,
) -> Response:
    """Turns of one of your conversations, oldest first, a page at a time."""
    found = await supervisor.conversations.conversation(caller, conversation_id)
    turns = await supervisor.conversations.page(found, after, limit)
    reached = after + limit
    return json_response(
        ConversationPage(
            conversation_id=found.conversation_id,
            turn_count=found.turn_count,
            agent=found.agent,
            handover=HandoverView.of(found.handover),
            created_at=found.created_at,
            updated_at=found.updated_at,
            turns=[TurnView.of(turn) for turn in turns],
            next_after=reached if reached < found.turn_count else None,
        )
    )


@router.delete("", status_code=204, responses={202: {"description": DELETED_LATER}}, tags=["memory"])
async def delete_conversation(conversation_id: str, caller: Caller, supervisor: Wired) -> Response:
    """Deletes one of your conversations, with all its turns; one that is being answered is cancelled."""
    is_deleted = await supervisor.deletions.conversation(caller, conversation_id)
    return Response(status_code=204 if is_deleted else 202)


@router.post("/handover", response_model=HandoverView, tags=["chat"])
async def hand_over(conversation_id: str, caller: Caller, supervisor: Wired) -> HandoverView | None:
    """Gives a conversation to a person: your own, or with the role operator any of your company."""
    return HandoverView.of(await supervisor.handovers.hand_over(caller, conversation_id))


@router.delete("/handover", status_code=204, tags=["chat"])
async def hand_back(conversation_id: str, caller: Caller, supervisor: Wired) -> None:
    """Gives it back to the agents. Needs the role operator."""
    await supervisor.handovers.hand_back(caller, conversation_id)
