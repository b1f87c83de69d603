"""Whether a message has several intents: never by a cut alone, only where the parts and the whole agree."""

from collections.abc import Sequence
from dataclasses import dataclass

from switchboard.routing.classifier import Classification, is_agent
from switchboard.routing.phrases import points_back

AGENTS_MAX = 3
"""That one message goes to."""
PART_WORDS_MIN = 3
PART_PROBABILITY_MIN = 0.5
PART_LEAD_MIN = 5.0
"""So many times likelier than the next agent."""
PART_FAMILIARITY_MIN = 0.65
WHOLE_SCORE_MIN = 0.17
"""Raw score that the whole message must have for the agent of a part."""


@dataclass(frozen=True, slots=True)
class RoutedPart:
    agent: str
    message: str
    """The part of the user's message that is this agent's."""


def several(
    parts: Sequence[str], classifications: Sequence[Classification], whole: Classification
) -> tuple[RoutedPart, ...]:
    """The parts by agent, when two or more agents are each surely meant; empty otherwise.

    A part that belongs to nobody for sure goes with the one before it.
    """
    meant: dict[str, list[str]] = {}
    unclear: list[str] = []
    last: str | None = None
    for part, classification in zip(parts, classifications, strict=True):
        agent = _meant(part, classification, whole)
        if agent is not None:
            last = agent
        if last is None:
            unclear.append(part)
            continue
        meant.setdefault(last, []).extend([*unclear, part])
        unclear = []
    if not 2 <= len(meant) <= AGENTS_MAX:
        return ()
    return tuple(RoutedPart(agent, _joined(of)) for agent, of in meant.items())


def _meant(part: str, classification: Classification, whole: Classification) -> str | None:
    if len(part.split()) < PART_WORDS_MIN or points_back(part):
        return None
    agent = next(iter(classification.agents))
    others = [share for other, share in classification.agents.items() if other != agent and is_agent(other)]
    sure = (
        classification.best >= max(PART_PROBABILITY_MIN, PART_LEAD_MIN * max(others, default=0.0))
        and classification.familiarity >= PART_FAMILIARITY_MIN
    )
    return agent if sure and is_agent(agent) and whole.scores[agent] >= WHOLE_SCORE_MIN else None


def _joined(parts: Sequence[str]) -> str:
    return " ".join(part if part[-1] in ".!?" else f"{part}." for part in parts) if len(parts) > 1 else parts[0]
