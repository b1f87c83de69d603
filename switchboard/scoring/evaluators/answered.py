"""Whether the turn ended with an answer at all."""

from switchboard.scoring.evaluators.score import Score, scored
from switchboard.scoring.transcript import Transcript


def answered(turn: Transcript) -> Score:
    said = turn.answered and bool(turn.text.strip())
    return scored("answered", float(said), f"The turn failed: {turn.code} {turn.failure}".strip())
