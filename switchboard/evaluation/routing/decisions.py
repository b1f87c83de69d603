"""How well whole decisions go: messages with what was said before, against the agents that ought to answer.

A file has the columns text and category, and may have traits, previous_agent and previous_answer. A category is an
agent, several joined by "+", or one of out_of_scope, small_talk, person and clarify; "a/b" means that either is right.
"""

import csv
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from switchboard.contracts.agent_topics import AgentTopics
from switchboard.contracts.cards import AgentCard, Skill
from switchboard.contracts.errors import BadConfiguration
from switchboard.contracts.turns import HistoryMessage
from switchboard.evaluation import machine
from switchboard.evaluation.routing.classifier import ROWS_MAX, macro_f1, share
from switchboard.evaluation.statistics import percentile
from switchboard.models import MiniLmEmbedder
from switchboard.routing.decision import Context, Route, decide
from switchboard.routing.model import RoutingModel

SUPERVISORS = frozenset({"out_of_scope", "small_talk", "person", "clarify"})
"""Categories that no agent answers."""
PADDING_SKILLS, PADDING_EXAMPLES = 4, 6
"""Of each agent that is made up to measure how the time of a decision grows."""
QUESTION_BEFORE = "an earlier question"


@dataclass(frozen=True, slots=True)
class LabelledMessage:
    text: str
    right: tuple[frozenset[str], ...]
    """Each of these is right: agents, or one of `SUPERVISORS`."""
    traits: tuple[str, ...] = ()
    context: Context = field(default_factory=Context)

    @property
    def is_single(self) -> bool:
        """Meant for exactly one agent."""
        return len(self.right) == 1 and len(self.right[0]) == 1 and not self.right[0] & SUPERVISORS


@dataclass(frozen=True, slots=True)
class DecidedMessage:
    message: LabelledMessage
    route: Route
    ms: float
    cpu_ms: float

    @property
    def got(self) -> frozenset[str]:
        return frozenset(part.agent for part in self.route.parts) or frozenset({self.route.by})

    @property
    def is_right(self) -> bool:
        return self.got in self.message.right


def messages_of(path: Path) -> list[LabelledMessage]:
    """Raises `BadConfiguration` for a file that cannot be read or has no such rows."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))[: ROWS_MAX + 1]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadConfiguration(f"{path} cannot be read: {error}") from error
    if not rows or not {"text", "category"} <= rows[0].keys():
        raise BadConfiguration(f"{path} needs rows, and the columns text, category.")
    if len(rows) > ROWS_MAX:
        raise BadConfiguration(f"{path} has more than {ROWS_MAX} rows.")
    return [_message(row) for row in rows if (row["text"] or "").strip() and (row["category"] or "").strip()]


async def evaluate_decisions(
    cards: Mapping[str, AgentCard],
    messages: Sequence[LabelledMessage],
    *,
    topics: Mapping[str, AgentTopics] | None = None,
    agents: int = 0,
) -> tuple[dict[str, Any], list[DecidedMessage]]:
    """Figures, and every outcome. Learns from the cards, and topics by agent id; decides each message by itself, timed.

    With `agents`, the time of a decision is measured again with so many agents registered.
    """
    embedder = MiniLmEmbedder()
    await embedder.open()
    await RoutingModel.learned(cards, embedder, embedder.is_word, topics)
    started_s = time.perf_counter()
    model = await RoutingModel.learned(cards, embedder, embedder.is_word, topics)
    fit_s = time.perf_counter() - started_s
    outcomes = await _outcomes(model, messages)
    figures = _figures(outcomes) | {"fit_s": round(fit_s, 3), "agents": len(cards), "examples": model.examples}
    if agents > len(cards):
        crowd = await RoutingModel.learned(crowded(cards, agents), MiniLmEmbedder(), embedder.is_word, topics)
        slower = await _outcomes(crowd, messages)
        figures |= {
            "agents_crowd": agents,
            "decision_ms_p50_crowd": percentile([each.ms for each in slower], 50),
            "decision_cpu_ms_p50_crowd": percentile([each.cpu_ms for each in slower], 50),
        }
    return figures | {"machine": machine.facts()}, outcomes


def crowded(cards: Mapping[str, AgentCard], agents: int) -> dict[str, AgentCard]:
    """The cards, and as many made-up ones as are missing to `agents`."""
    some = next(iter(cards.values()))
    made = [
        some.model_copy(
            update={
                "id": f"made-up-{n}",
                "name": f"Made up {n}",
                "skills": [
                    Skill(
                        id=f"skill-{s}",
                        description=f"Department {n} deals with matter {s}",
                        examples=[f"Matter {s} of department {n}, question {e}" for e in range(PADDING_EXAMPLES)],
                    )
                    for s in range(PADDING_SKILLS)
                ],
            }
        )
        for n in range(agents - len(cards))
    ]
    return {**cards, **{card.id: card for card in made}}


def _figures(outcomes: Sequence[DecidedMessage]) -> dict[str, Any]:
    singles = [each for each in outcomes if each.message.is_single]
    several = [each for each in outcomes if any(len(right) > 1 for right in each.message.right)]
    outside = [each for each in outcomes if frozenset({"out_of_scope"}) in each.message.right]
    decided = [each for each in outcomes if len(each.message.right) == 1]
    traits = dict.fromkeys(trait for each in outcomes for trait in each.message.traits)
    return {
        "accuracy": share([each.is_right for each in outcomes]),
        "macro_f1": macro_f1([_name(each.message.right[0]) for each in decided], [_name(each.got) for each in decided]),
        "out_of_scope_recall": share([each.is_right for each in outside]),
        "multi_intent_exact": share([each.is_right for each in several]),
        "single_intent_extra_agent": share([len(each.route.parts) > 1 for each in singles]),
        "false_clarifications": share([each.route.by == "clarify" for each in singles]),
        "false_rejections": share([each.route.by == "out_of_scope" for each in singles]),
        "unsure": share([each.route.unsure for each in outcomes]),
        "decision_ms_p50": percentile([each.ms for each in outcomes], 50),
        "decision_ms_p95": percentile([each.ms for each in outcomes], 95),
        "decision_cpu_ms_p50": percentile([each.cpu_ms for each in outcomes], 50),
        "accuracy_by_trait": {
            trait: share([each.is_right for each in outcomes if trait in each.message.traits]) for trait in traits
        },
        "messages": len(outcomes),
    }


async def _outcomes(model: RoutingModel, messages: Sequence[LabelledMessage]) -> list[DecidedMessage]:
    outcomes: list[DecidedMessage] = []
    for each in messages:
        cpu_s, started_s = time.process_time(), time.perf_counter()
        route = await decide(model, each.text, each.context)
        ms = (time.perf_counter() - started_s) * 1000
        outcomes.append(DecidedMessage(each, route, ms, (time.process_time() - cpu_s) * 1000))
    return outcomes


def _message(row: Mapping[str, str | None]) -> LabelledMessage:
    agent, answer = (row.get("previous_agent") or "").strip(), (row.get("previous_answer") or "").strip()
    history = (
        [
            HistoryMessage(role="user", text=QUESTION_BEFORE),
            HistoryMessage(role="assistant", text=answer, agent=agent or None),
        ]
        if answer
        else []
    )
    return LabelledMessage(
        text=(row["text"] or "").strip(),
        right=tuple(frozenset(each.strip().split("+")) for each in (row["category"] or "").split("/")),
        traits=tuple((row.get("traits") or "").split("+")) if row.get("traits") else (),
        context=Context(agent or None, history),
    )


def _name(agents: frozenset[str]) -> str:
    return "+".join(sorted(agents))
