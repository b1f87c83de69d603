"""Where a turn's words are looked at: those of the user before anything works on them, those of the answer before they are sent.

Neither blocks anything yet. What is here is their place in the life of a turn, and what they are given.
"""

from services.supervisor.turns.accept import Ask
from services.supervisor.turns.merge import Emit


async def check_input(ask: Ask) -> None:
    """Input guardrails: raise `Unprocessable`, with a reason that the user can read, for a message that is not taken."""
    del ask


def checked_output(emit: Emit) -> Emit:
    """Output guardrails between the merged answer and the event log: what does not pass is never in the log."""
    return emit
