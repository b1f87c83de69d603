"""The answer of one turn while it is being said: grounded, cited, and within its limits."""

from collections.abc import Sequence
from dataclasses import dataclass

from switchboard.agent.grounding import Evidence, GroundingFilter
from switchboard.agent.prompt import PromptMessage
from switchboard.agent.tool_calls import Emit, ToolCalls
from switchboard.contracts.cards import AgentCard
from switchboard.contracts.errors import LimitExceeded
from switchboard.contracts.events import MessageDelta, Usage

CHARACTERS_A_TOKEN = 4
"""Rough; bounds what a model streams before it has told its usage."""


@dataclass(frozen=True, slots=True)
class ModelText:
    """A piece of what the model says. `step` counts the model calls of the turn before the one that says it."""

    text: str
    step: int


class AnswerWriter:
    """Takes what the model says, and emits what of it the user may read. One for a turn.

    `grounded` says whether what follows a search is held against what was found.
    """

    def __init__(
        self, card: AgentCard, calls: ToolCalls, prompt: Sequence[PromptMessage], emit: Emit, *, grounded: bool
    ) -> None:
        self._card = card
        self._calls = calls
        self._prompt = tuple(message.text for message in prompt)
        self._emit = emit
        self._grounded = grounded
        self._filter = GroundingFilter()
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
        text = piece.text
        if piece.step != self._step and self._given:
            text = f"\n\n{text}"  # what was said before a tool call is a paragraph of its own
        self._step = piece.step
        if self._grounded and self._calls.searched:
            self._filter.offer = self._calls.offer_unanswered
            text = self._filter.feed(text, self._evidence)
        await self._give(text)

    async def end(self) -> None:
        """Gives what was held back."""
        await self._give(self._filter.flush(self._evidence))

    @property
    def _evidence(self) -> Evidence:
        return Evidence(self._calls.passages.found, (*self._prompt, *self._calls.findings))

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
