"""Which agents answer a message: one `decide`, by the words first, then by likeness to the cards' examples.

The classifier: a message is embedded, and an agent's score is a blend of its best example's cosine and the mean
of its best three. Cards come and go while it runs; each change makes a new index, swapped in at once.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from services.supervisor import replies
from services.supervisor.phrases import (
    PART_WORDS_MIN,
    PARTS_MAX,
    ends_in_question,
    is_bare_yes_or_no,
    is_detail,
    is_yes_or_no,
    leans_on_context,
    parts_of,
    plain,
    small_talk,
)
from switchboard.contracts.cards import AgentCard, AgentRegistration
from switchboard.contracts.errors import NotFound, Unavailable
from switchboard.contracts.turns import HistoryMessage
from switchboard.models.embedder import Embedder, Vectors
from switchboard.telemetry import tracer

BEST_WEIGHT = 0.6
"""Of the best example; the rest is the mean of the best three."""
NEAREST_EXAMPLES = 3
IN_SCOPE_MIN = 0.40
"""Below, no agent is meant."""
SURE_MIN = 0.58
"""From here on a message stands for itself, whatever was spoken of before."""
MARGIN_MIN = 0.035
"""Two agents that are closer than this are both candidates."""
PART_MIN = 0.47
PART_MARGIN_MIN = 0.07
AGENTS_MAX = 3
"""That one message goes to."""
ROUTED_CHARACTERS_MAX = 1_000
"""The start of a message says what it is about."""
GONE_S_MAX = 600.0
"""An agent that vanished without saying so is missed this long: its questions get 503, not "out of scope"."""

ELSEWHERE = (
    "What is the weather like today?",
    "Tell me a joke",
    "Write a poem about the sea",
    "Who won the football match?",
    "What is the capital of France?",
    "Translate this sentence into Spanish",
    "Write a Python function",
    "Give me a recipe for dinner",
    "Who is the president?",
    "What do you think about politics?",
    "What is the meaning of life?",
    "Help me with my homework",
    "What is 17 times 23?",
    "Recommend me a movie",
    "Should I invest in shares?",
    "I have a headache, what should I take?",
)
"""What belongs to no agent, whatever agents there are: it competes with their examples."""

By = Literal["classifier", "follow_up", "request", "clarify", "out_of_scope", "small_talk"]


@dataclass(frozen=True, slots=True)
class Assignment:
    agent: AgentRegistration
    message: str
    """The part of the user's message that is this agent's."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Either `assignments`, or `reply`: words of the supervisor itself."""

    by: By
    assignments: tuple[Assignment, ...] = ()
    scores: dict[str, float] = field(default_factory=dict[str, float])
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What a message is read against."""

    agent: str | None = None
    """Who answered last."""
    history: Sequence[HistoryMessage] = ()

    @property
    def asked(self) -> HistoryMessage | None:
        """The last answer, when it ended in a question."""
        last = self.history[-1] if self.history else None
        return last if last is not None and last.role == "assistant" and ends_in_question(last.text) else None


@dataclass(frozen=True, slots=True)
class _Index:
    agents: tuple[AgentRegistration, ...] = ()
    examples: Vectors = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))
    bounds: tuple[tuple[int, int], ...] = ()
    """Rows of each agent's examples, in the order of `agents`; the last are those of `ELSEWHERE`."""

    def scores(self, vectors: Vectors) -> NDArray[np.float32]:
        """Shape (messages, agents + 1)."""
        likeness = vectors @ self.examples.T
        columns = [_blend(likeness[:, start:end]) for start, end in self.bounds]
        return np.stack(columns, axis=1)


class Router:
    """Decides for each message. `learn` may run at any time; a decision uses the index it began with."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._index = _Index()
        self._live: dict[str, AgentRegistration] = {}
        self._gone: dict[str, tuple[AgentRegistration, float]] = {}

    @property
    def agents(self) -> list[AgentRegistration]:
        """Those live now, by id."""
        return [self._live[agent_id] for agent_id in sorted(self._live)]

    async def learn(self, agents: Mapping[str, AgentRegistration]) -> None:
        """Takes the agents that are live now."""
        at = time.monotonic()
        for agent_id, registration in self._live.items():
            if agent_id not in agents:
                self._gone[agent_id] = (registration, at)
        self._gone = {
            agent_id: gone
            for agent_id, gone in self._gone.items()
            if agent_id not in agents and at - gone[1] <= GONE_S_MAX
        }
        await self._build(dict(agents))

    async def forget(self, agent_id: str) -> None:
        """An agent that left on purpose is not missed."""
        if self._gone.pop(agent_id, None) is not None:
            await self._build(self._live)

    async def decide(self, message: str, context: Context, requested: str | None = None) -> Decision:
        """Raises `NotFound` for a requested agent that was never here, `Unavailable` for one that is gone."""
        with tracer(__name__).start_as_current_span("route") as span:
            decision = await self._decide(message, context, requested)
            self._check_live(decision)
            span.set_attribute("route.by", decision.by)
            span.set_attribute("route.agents", [each.agent.card.id for each in decision.assignments])
            span.set_attribute("route.scores", [f"{agent}={score:.3f}" for agent, score in decision.scores.items()])
            return decision

    async def _decide(self, message: str, context: Context, requested: str | None) -> Decision:
        index = self._index
        known = {each.card.id: each for each in index.agents}
        if requested is not None:
            return _whole("request", self._requested(known, requested), message)
        if not known:
            raise Unavailable("Nobody can answer at the moment. Please try again shortly.")
        cards = [each.card for each in self.agents]
        current = known.get(context.agent or "")
        asked = context.asked

        # By the words alone: no model is needed for these.
        if asked is not None and asked.agent is not None and current is not None and is_yes_or_no(message):
            return _whole("follow_up", current, message)
        talk = small_talk(message)
        if talk is not None:
            return Decision("small_talk", reply=replies.small_talk_reply(talk, cards))
        if asked is not None and asked.agent is None and (named := _named(message, index.agents)) is not None:
            return _whole("follow_up", named, _asked_before(context) or message)
        if asked is not None and asked.agent is not None and current is not None and is_detail(message):
            return _whole("follow_up", current, message)
        if is_bare_yes_or_no(message):
            return Decision("small_talk", reply=replies.nothing_asked())

        parts = parts_of(message[:ROUTED_CHARACTERS_MAX])
        vectors = await self._embedder.embed([message[:ROUTED_CHARACTERS_MAX], *(parts if len(parts) > 1 else ())])
        table = index.scores(vectors)
        scores = {each.card.id: round(float(score), 4) for each, score in zip(index.agents, table[0], strict=False)}
        elsewhere = float(table[0, -1])
        ranked = sorted(index.agents, key=lambda each: scores[each.card.id], reverse=True)
        best = scores[ranked[0].card.id]
        second = scores[ranked[1].card.id] if len(ranked) > 1 else 0.0

        if len(parts) > 1 and (split := _split(parts, table[1:], index.agents)):
            return Decision("classifier", split, scores)
        if current is not None and _stays(message, current, asked, best, scores):
            return _whole("follow_up", current, message, scores)
        if best < IN_SCOPE_MIN or elsewhere > best:
            return Decision("out_of_scope", scores=scores, reply=replies.out_of_scope_reply(cards))
        if best - second < MARGIN_MIN:
            if current in ranked[:2]:
                return _whole("follow_up", current, message, scores)
            question = replies.clarifying_question([each.card for each in ranked[:2]])
            return Decision("clarify", scores=scores, reply=question)
        return _whole("classifier", ranked[0], message, scores)

    def _requested(self, known: Mapping[str, AgentRegistration], requested: str) -> AgentRegistration:
        if requested not in known:
            raise NotFound(f"There is no agent '{requested}'; GET /v1/agents lists those there are.")
        return known[requested]

    def _check_live(self, decision: Decision) -> None:
        missing = [each.agent.card for each in decision.assignments if each.agent.card.id not in self._live]
        if missing and len(missing) == len(decision.assignments):
            raise Unavailable(f"{missing[0].name} is not available at the moment. Please try again shortly.")

    async def _build(self, live: dict[str, AgentRegistration]) -> None:
        gone = [registration for registration, _ in self._gone.values()]
        agents = tuple(sorted([*live.values(), *gone], key=lambda each: each.card.id))
        texts: list[str] = []
        bounds: list[tuple[int, int]] = []
        for group in [*(_examples(each.card) for each in agents), ELSEWHERE]:
            bounds.append((len(texts), len(texts) + len(group)))
            texts.extend(group)
        vectors = await self._embedder.embed(texts)
        self._index = _Index(agents, vectors, tuple(bounds))
        self._live = live


def _examples(card: AgentCard) -> list[str]:
    return [example for skill in card.skills for example in (*skill.examples, skill.description)]


def _blend(likeness: NDArray[np.float32]) -> NDArray[np.float32]:
    count = min(NEAREST_EXAMPLES, likeness.shape[1])
    nearest = np.partition(likeness, -count, axis=1)[:, -count:]
    return BEST_WEIGHT * nearest.max(axis=1) + (1 - BEST_WEIGHT) * nearest.mean(axis=1)


def _whole(by: By, agent: AgentRegistration, message: str, scores: dict[str, float] | None = None) -> Decision:
    return Decision(by, (Assignment(agent, message),), scores or {})


def _stays(
    message: str, current: AgentRegistration, asked: HistoryMessage | None, best: float, scores: Mapping[str, float]
) -> bool:
    """Whether a message goes on with the agent that spoke last."""
    if best >= SURE_MIN:
        return False
    if leans_on_context(message):
        return True
    return asked is not None and asked.agent is not None and (best < IN_SCOPE_MIN or scores[current.card.id] == best)


def _split(
    parts: Sequence[str], table: NDArray[np.float32], agents: Sequence[AgentRegistration]
) -> tuple[Assignment, ...]:
    """The parts by agent, when two or more agents are each surely meant; empty otherwise.

    A part that belongs to nobody for sure goes with the one before it.
    """
    meant: dict[int, list[str]] = {}
    unclear: list[str] = []
    last: int | None = None
    for part, row in zip(parts, table, strict=True):
        winner = _sure_winner(part, row)
        if winner is not None:
            last = winner
        if last is None:
            unclear.append(part)
            continue
        meant.setdefault(last, []).extend([*unclear, part])
        unclear = []
    if not 2 <= len(meant) <= min(AGENTS_MAX, PARTS_MAX):
        return ()
    return tuple(Assignment(agents[winner], _joined(of)) for winner, of in meant.items())


def _sure_winner(part: str, row: NDArray[np.float32]) -> int | None:
    if len(part.split()) < PART_WORDS_MIN:
        return None
    order = np.argsort(row)[::-1]
    winner = int(order[0])
    if winner == len(row) - 1:  # elsewhere
        return None
    sure = row[winner] >= PART_MIN and row[winner] - row[order[1]] >= PART_MARGIN_MIN
    return winner if sure else None


def _joined(parts: Sequence[str]) -> str:
    return " ".join(part if part[-1] in ".!?" else f"{part}." for part in parts) if len(parts) > 1 else parts[0]


def _named(message: str, agents: Sequence[AgentRegistration]) -> AgentRegistration | None:
    """The one agent whose name or id a short message holds."""
    words = f" {plain(message)} "
    if len(words.split()) > PARTS_MAX + PART_WORDS_MIN:
        return None
    found = [each for each in agents if f" {plain(each.card.name)} " in words or f" {each.card.id} " in words]
    return found[0] if len(found) == 1 else None


def _asked_before(context: Context) -> str:
    """The user's message that the supervisor's own question was about."""
    return next((each.text for each in reversed(context.history) if each.role == "user"), "")
