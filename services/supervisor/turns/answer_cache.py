"""Answers that rest on articles alone, kept by tenant, agents, knowledge, prompt, model and language: none yet."""

from services.supervisor.turns.accept import Accepted
from switchboard.contracts.events import TurnCompleted


async def cached_answer(accepted: Accepted) -> TurnCompleted | None:
    """The answer to what is asked, with `cache_hit`, where it was given before and still holds."""
    del accepted
    return None
