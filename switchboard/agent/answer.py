"""The answer of one turn while it is being said: grounded, cited, and within its limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from switchboard.agent.grounding.answer_check import AnswerCheck, Findings
from switchboard.agent.grounding.disclosure import Secrets
from switchboard.agent.grounding.turn_evidence import add_outcome, customers_language, evidence_before
from switchboard.agent.grounding.wording import correction
from switchboard.agent.prompt import PromptMessage
from switchboard.agent.tool_calls import Emit, ToolCalls
from switchboard.contracts.cards import AgentCard
from switchboard.contracts.errors import LimitExceeded
from switchboard.contracts.events import MessageDelta, Usage
from switchboard.contracts.tools import Offer
from switchboard.contracts.turns import TurnRequest

CHARACTERS_A_TOKEN = 4
"""Rough; bounds what a model streams before it has told its usage."""


@dataclass(frozen=True, slots=True)
class ModelText:
    """A piece of what the model says. `step` counts the model calls of the turn before the one that says it."""

    text: str
    step: int


class AnswerWriter:
    """Takes what the model says, and emits what of it the user may read: every word at once, for a model whose answers are
    composed from what was found. One for a turn."""

    def __init__(self, card: AgentCard, calls: ToolCalls, emit: Emit) -> None:
        self._card = card
        self._calls = calls
        self._emit = emit
        self._given: list[str] = []
        self._characters = 0
        self._step = 0
        self.usage = Usage()
        """Of all model calls so far."""

    @property
    def text(self) -> str:
        """Everything that was given so far."""
        return "".join(self._given)

    async def add(self, piece: ModelText | Usage) -> None:
        """Raises `LimitExceeded` for more text than a turn may have; too many tokens stop the tool calls."""
        if isinstance(piece, Usage):
            self._spend(piece)
            return
        if piece.step != self._step:
            self._step = piece.step
            await self._next_step()
        await self._say(piece.text)

    async def end(self) -> None:
        """The model has said all."""

    async def _next_step(self) -> None:
        if self._given:
            await self._give("\n\n")  # what was said before a tool call is a paragraph of its own

    async def _say(self, text: str) -> None:
        await self._give(text)

    def _spend(self, usage: Usage) -> None:
        self.usage += usage
        if self.usage.prompt_tokens + self.usage.completion_tokens > self._card.limits.tokens:
            self._calls.stopped = LimitExceeded("The question needs more work than is allowed for one turn.")

    async def _give(self, text: str) -> None:
        if not text:
            return
        self._given.append(text)
        self._characters += len(text)
        if self._characters > self._card.limits.tokens * CHARACTERS_A_TOKEN:
            raise LimitExceeded("The answer is longer than is allowed for one turn.")
        await self._emit(MessageDelta(agent=self._card.id, text=text))
        for citation in self._calls.passages.read(text):
            await self._emit(citation)


class GroundedWriter(AnswerWriter):
    """Gives whole sentences whose facts and deeds follow from evidence. After `end`, `has_faults` says whether the model is
    to be asked once more: `correction` is what it is told, `repair` comes before what it writes then, `settle` last."""

    def __init__(self, card: AgentCard, calls: ToolCalls, emit: Emit, check: AnswerCheck) -> None:
        super().__init__(card, calls, emit)
        self._check = check
        self._seen = 0
        """How many of the tools' outcomes the evidence holds."""

    @property
    def findings(self) -> Findings:
        """What the check saw."""
        return self._check.findings

    @property
    def evidence_text(self) -> str:
        """All that the answer may rest on, in lower case."""
        return self._check.evidence.text

    @property
    def has_faults(self) -> bool:
        """Whether something is held back that does not follow."""
        return bool(self._check.withheld)

    @property
    def correction(self) -> list[PromptMessage]:
        """What the model is told behind the prompt when it is asked once more."""
        results = [
            f"{each.tool}: {each.outcome.model_dump_json(exclude_defaults=True)}" for each in self._calls.returned
        ]
        note = correction(
            self._check.findings.faults, draft=self._check.withheld, told=bool(self.text.strip()), results=results
        )
        told = [PromptMessage("assistant", self.text)] if self.text.strip() else []
        return [*told, PromptMessage("system", note)]

    async def end(self) -> None:
        """The model has said all. Gives what was held back, if the evidence supports it by now."""
        self._gather()
        await self._give(self._check.end(self._calls.passages.found))

    def repair(self) -> None:
        """What is added from now on is written instead of what is held back; nothing is changed any more."""
        self._calls.changes_nothing = True
        self._step = 0
        self._check.repair()

    async def settle(self) -> None:
        """Gives what can be told of an answer with faults, and an honest sentence for the rest."""
        self._gather()
        offer = self._calls.offer_unanswered
        await self._give(self._check.settle(self._calls.passages.found, offer.question if offer is not None else ""))

    async def _next_step(self) -> None:
        self._gather()
        await self._give(self._check.pause(self._calls.passages.found))
        await super()._next_step()

    async def _say(self, text: str) -> None:
        self._gather()
        await self._give(self._check.feed(text, self._calls.passages.found))

    def _gather(self) -> None:
        for each in self._calls.returned[self._seen :]:
            add_outcome(self._check.evidence, each.tool, each.outcome, changed=each.changed)
        self._seen = len(self._calls.returned)


def check_of(
    request: TurnRequest, offered: Offer | None, prompt: Sequence[PromptMessage], calls: ToolCalls, today: date
) -> AnswerCheck:
    """The check of a turn's answer, with what is known before the model says a word."""
    instructions = prompt[0].text
    evidence = evidence_before(request, offered, [instructions], today)
    return AnswerCheck(evidence, Secrets([instructions, *calls.descriptions], calls.names), customers_language(request))
