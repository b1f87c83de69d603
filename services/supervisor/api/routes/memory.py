"""What is remembered of a user across conversations: seen, agreed to, forgotten."""

from fastapi import APIRouter

from services.supervisor.api.documentation import PROBLEMS
from services.supervisor.api.requests import Caller, Wired
from services.supervisor.memory.privacy import ConsentRequest, Forgotten, MemoryView

router = APIRouter(prefix="/v1/memory", responses=PROBLEMS, tags=["memory"])


@router.get("")
async def memory(caller: Caller, supervisor: Wired) -> MemoryView:
    """What is remembered of you across conversations."""
    return MemoryView.of(await supervisor.memory_privacy.read(caller))


@router.put("/consent")
async def consent(body: ConsentRequest, caller: Caller, supervisor: Wired) -> MemoryView:
    """Agrees to being remembered, or stops it; stopping also forgets what was remembered."""
    return MemoryView.of(await supervisor.memory_privacy.consent(caller, body.consent))


@router.delete("")
async def forget(caller: Caller, supervisor: Wired, conversations: bool = False) -> Forgotten:
    """Forgets what is remembered of you, and your agreement to it; `conversations=true` deletes those too."""
    if conversations:
        return await supervisor.deletions.everything(caller)
    return await supervisor.memory_privacy.forget(caller)
