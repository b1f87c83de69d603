"""Whether a message has several intents: never by a cut alone, only where the parts and the whole agree."""

from collections.abc import Sequence
from dataclasses import dataclass

from switchboard.routing.classifier import Classification, is_agent
from switchboard.routing.phrases import points_back

AGENTS_MAX = 3
"""That one message goes to."""
PART_WORDS_MIN = 3


@dataclass(frozen=True, slots=True)
class Sure:
    """When a part is surely an agent's."""

    probability_min: float
    lead_min: float
    """So many times likelier than the next agent."""
    familiarity_min: float
    whole_score_min: float
    """Raw score that the whole message must have for the agent, too."""


UNANNOUNCED = Sure(0.8, 8.0, 0.75, 0.08)
ANNOUNCED = Sure(0.5, 5.0, 0.65, 0.1)
"""Of a message that says itself that it has several matters."""


@dataclass(frozen=True, slots=True)
class RoutedPart:
    agent: str
    message: str
    """The part of the user's message that is this agent's."""


def several(
    parts: Sequence[str], classifications: Sequence[Classification], whole: Classification, sure: Sure = UNANNOUNCED
) -> tuple[RoutedPart, ...]:
    """The parts by agent, when two or more agents are each surely meant; empty otherwise.

    A part that belongs to nobody for sure goes with the one before it.
    """
    meant: dict[str, list[str]] = {}
    unclear: list[str] = []
    last: str | None = None
    for part, classification in zip(parts, classifications, strict=True):
        agent = _meant(part, classification, whole, sure)
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


def _meant(part: str, classification: Classification, whole: Classification, sure: Sure) -> str | None:
    if len(part.split()) < PART_WORDS_MIN or points_back(part):
        return None
    agent = next(iter(classification.agents))
    others = [share for other, share in classification.agents.items() if other != agent and is_agent(other)]
    means = (
        is_agent(agent)
        and classification.best >= max(sure.probability_min, sure.lead_min * max(others, default=0.0))
        and classification.familiarity >= sure.familiarity_min
        and whole.scores[agent] >= sure.whole_score_min
    )
    return agent if means else None


def _joined(parts: Sequence[str]) -> str:
    return " ".join(part if part[-1] in ".!?" else f"{part}." for part in parts) if len(parts) > 1 else parts[0]
