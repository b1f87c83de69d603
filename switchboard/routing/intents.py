"""Whether a message has several intents: never by a cut alone, only where the parts and the whole agree."""

from collections.abc import Sequence
from dataclasses import dataclass

from switchboard.routing.classifier import Reading, is_agent
from switchboard.routing.phrases import PART_WORDS_MIN, points_back

AGENTS_MAX = 3
"""That one message goes to."""
PART_PROBABILITY_MIN = 0.88
PART_FAMILIARITY_MIN = 0.75
WHOLE_SCORE_MIN = 0.18
"""Raw score that the whole message must have for the agent of a part."""


@dataclass(frozen=True, slots=True)
class Part:
    agent: str
    message: str
    """The part of the user's message that is this agent's."""


def several(parts: Sequence[str], readings: Sequence[Reading], whole: Reading) -> tuple[Part, ...]:
    """The parts by agent, when two or more agents are each surely meant; empty otherwise.

    A part that belongs to nobody for sure goes with the one before it.
    """
    meant: dict[str, list[str]] = {}
    unclear: list[str] = []
    last: str | None = None
    for part, reading in zip(parts, readings, strict=True):
        agent = _meant(part, reading, whole)
        if agent is not None:
            last = agent
        if last is None:
            unclear.append(part)
            continue
        meant.setdefault(last, []).extend([*unclear, part])
        unclear = []
    if not 2 <= len(meant) <= AGENTS_MAX:
        return ()
    return tuple(Part(agent, _joined(of)) for agent, of in meant.items())


def _meant(part: str, reading: Reading, whole: Reading) -> str | None:
    if len(part.split()) < PART_WORDS_MIN or points_back(part):
        return None
    agent = next(iter(reading.agents))
    sure = reading.best >= PART_PROBABILITY_MIN and reading.familiarity >= PART_FAMILIARITY_MIN
    return agent if sure and is_agent(agent) and whole.scores[agent] >= WHOLE_SCORE_MIN else None


def _joined(parts: Sequence[str]) -> str:
    return " ".join(part if part[-1] in ".!?" else f"{part}." for part in parts) if len(parts) > 1 else parts[0]
