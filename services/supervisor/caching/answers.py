"""The answer cache: answers from articles, found again to the letter or by meaning, told to whoever asks the same.

What must be the same before anything is compared: tenant, the agents with what their answers rest on (cards, prompts,
tools, articles, models, the day), the experiment's arm, the language, the embedding model. A change of one of these is
another scope: nothing of the old one is found any more, and it expires.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from services.supervisor.caching import eligibility
from services.supervisor.caching.entries import StateEntries
from services.supervisor.caching.kept_answer import KeptAnswer
from switchboard.caching.digest import digest
from switchboard.caching.entries.port import Bounds
from switchboard.caching.semantic.cache import SemanticCache, SemanticQuery, identity_of
from switchboard.caching.semantic.decision import Thresholds
from switchboard.caching.semantic.personal import names_somebody
from switchboard.caching.semantic.reading import read
from switchboard.caching.semantic.verifier import Verifier
from switchboard.caching.trace import record_look
from switchboard.contracts.cards import AgentRegistration
from switchboard.contracts.errors import SwitchboardError
from switchboard.contracts.turns import HistoryMessage
from switchboard.models.embedder import Embedder
from switchboard.telemetry import tracer

logger = logging.getLogger(__name__)

KEEPING_MAX = 32
"""Answers that are being kept at once; of more than that some are not."""
CLOSING_S_MAX = 2.0

State = Literal["exact", "semantic", "offline", "miss", "off"]


@dataclass(frozen=True, slots=True)
class CacheRule:
    """What an operator sets."""

    ttl_s: float = 86_400.0
    """0: nothing is kept, and nothing found."""
    threshold: float = 0.90
    offline_threshold: float = 0.88
    """While the models are away."""
    entries_max: int = 400
    """Of one scope of a tenant: agents, arm, language. Of 3 KB each."""
    bytes_max: int = 8 * 1024 * 1024

    @property
    def bounds(self) -> Bounds:
        return Bounds(self.entries_max, self.bytes_max, self.ttl_s)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and where its answer is looked for."""

    text: str
    embedded: str
    """The text as the router embeds it."""
    partition: str
    """`<tenant>|<scope>`."""
    english: bool

    @property
    def identity(self) -> str:
        return identity_of(self.text)


@dataclass(frozen=True, slots=True)
class Found:
    """A kept answer, and which entry it is."""

    answer: KeptAnswer
    place: str
    """For `withdraw`."""


class AnswerCache:
    """May be called concurrently, in any number of replicas. A cache that fails is a miss: nothing here is raised."""

    def __init__(
        self, entries: StateEntries, embedder: Embedder, verifier: Callable[[], Verifier], rule: CacheRule
    ) -> None:
        """`verifier` is loaded with the first question."""
        self._entries = entries
        self._embedder = embedder
        self._verifier = verifier
        self._rule = rule
        self._by_meaning: SemanticCache | None = None
        self._agents: tuple[Mapping[str, AgentRegistration], str] = ({}, "")
        self._keeping: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Waits for what is being kept, two seconds at most."""
        if self._keeping:
            await asyncio.wait(set(self._keeping), timeout=CLOSING_S_MAX)

    def question(
        self,
        tenant: str,
        message: str,
        history: list[HistoryMessage],
        *,
        readable: Callable[[str], str],
        agents: Mapping[str, AgentRegistration],
        arm: str,
    ) -> Question | str:
        """The question that a message is, or why none is looked for. `readable` puts it as the router reads it."""
        if self._rule.ttl_s <= 0:
            return "disabled"
        refused = eligibility.refusal(message, history)
        if refused is not None:
            return refused
        if names_somebody(read(message)):
            return "personal"
        english = eligibility.is_english(message)
        scope = digest([self._digest_of(agents), arm, "en" if english else "other"])
        return Question(message, readable(message), f"{tenant}|{scope}", english)

    async def find(self, question: Question) -> Found | None:
        """The answer that serves a question. Told on the span in hand."""
        return await self._find(question, Thresholds(score=self._rule.threshold), offline=False)

    async def find_offline(self, question: Question) -> Found | None:
        """The same while the models are away: a less similar question will do."""
        return await self._find(question, Thresholds(score=self._rule.offline_threshold), offline=True)

    def keep(self, question: Question, answer: KeptAnswer) -> str:
        """Keeps an answer, in the background; gives its place, for `withdraw`. Empty where too many are being kept."""
        if len(self._keeping) >= KEEPING_MAX:
            return ""
        task = asyncio.create_task(self._keep(question, answer))
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)
        return self._place(question, question.identity)

    async def withdraw(self, tenant: str, place: str) -> None:
        """Somebody says that an answer is bad: it is not given again, and none is kept for its question for a while."""
        scope, _, identity = place.rpartition("/")
        if not scope or self._rule.ttl_s <= 0:
            return
        try:
            await self._entries.withdraw(f"{tenant}|{scope}", identity, self._rule.ttl_s)
        except SwitchboardError as error:
            logger.error("an answer that was called bad could not be withdrawn: %s", error.code)

    async def _find(self, question: Question, thresholds: Thresholds, *, offline: bool) -> Found | None:
        with tracer(__name__).start_as_current_span("answer cache"):
            try:
                return await self._exact(question, offline) or await self._similar(question, thresholds, offline)
            except (SwitchboardError, ValidationError) as error:
                logger.warning("The answer cache failed and was passed by: %s", type(error).__name__)
                record_look("off", "unavailable")
                return None

    async def _exact(self, question: Question, offline: bool) -> Found | None:
        partition = self._partition(question)
        if not await self._entries.knows(partition, question.identity):
            return None
        value = await self._entries.get(partition, question.identity)
        return self._found(question, question.identity, value, "offline" if offline else "exact", 1.0)

    async def _similar(self, question: Question, thresholds: Thresholds, offline: bool) -> Found | None:
        if not question.english:
            record_look("miss", "language")
            return None
        query = await self._query(question)
        if query is None:
            record_look("off", "personal")
            return None
        found = await self._semantic.look(query, thresholds)
        decision = found.decision
        if found.value is None:
            record_look("miss", decision.reason, guard=decision.guard, score=decision.score)
            return None
        return self._found(question, found.identity, found.value, "offline" if offline else "semantic", decision.score)

    def _found(
        self, question: Question, identity: str, value: bytes | None, state: State, score: float
    ) -> Found | None:
        if value is None:
            return None
        answer = KeptAnswer.model_validate_json(value)
        usage = answer.usage
        tokens = usage.prompt_tokens + usage.completion_tokens
        record_look(state, "hit", score=score, saved_tokens=tokens, saved_picousd=usage.cost_picousd)
        return Found(answer, self._place(question, identity))

    async def _keep(self, question: Question, answer: KeptAnswer) -> None:
        value = answer.model_dump_json(exclude_defaults=True).encode()
        try:
            if not question.english:
                await self._entries.put(self._partition(question), question.identity, b"", value, self._rule.bounds)
            elif (query := await self._query(question)) is not None:
                thresholds = Thresholds(score=self._rule.threshold)
                await self._semantic.keep(query, answer.text, value, self._rule.bounds, thresholds)
        except SwitchboardError as error:
            logger.warning("An answer was not kept: %s", error.code)

    async def _query(self, question: Question) -> SemanticQuery | None:
        return await self._semantic.ask(question.partition, question.text, question.embedded)

    @property
    def _semantic(self) -> SemanticCache:
        if self._by_meaning is None:
            self._by_meaning = SemanticCache(self._entries, self._embedder, self._verifier())
        return self._by_meaning

    def _partition(self, question: Question) -> str:
        """As `SemanticCache.ask` names it."""
        return f"{question.partition}@{self._embedder.model_id}"

    def _place(self, question: Question, identity: str) -> str:
        return f"{self._partition(question).rpartition('|')[2]}/{identity}"

    def _digest_of(self, agents: Mapping[str, AgentRegistration]) -> str:
        """Made once for a set of agents, which is replaced and never changed."""
        if self._agents[0] is not agents:
            told = {
                name: [each.card.model_dump(mode="json"), each.topics, each.revision] for name, each in agents.items()
            }
            self._agents = agents, digest(told)
        return self._agents[1]
