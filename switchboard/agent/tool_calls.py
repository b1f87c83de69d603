"""The tool calls of one turn: policy, limits, validation, effects, and what the model and the user are told."""

import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from switchboard.agent.citations import Passages
from switchboard.agent.effects import Effects, call_id_of
from switchboard.agent.tool import Tool, ToolContext
from switchboard.contracts.cards import AgentCard, ToolPolicy
from switchboard.contracts.errors import LimitExceeded, ModelRetry, SwitchboardError, ToolError
from switchboard.contracts.events import ApprovalRequired, ToolCalled, ToolReturned, TurnEvent
from switchboard.contracts.tools import Offer, ToolOutcome
from switchboard.contracts.turns import TurnRequest
from switchboard.models.caller import Lane
from switchboard.telemetry import tool_span

logger = logging.getLogger(__name__)

SUMMARY_CHARACTERS_MAX = 300
FACTS_CHARACTERS_MAX = 8_000
"""Of all facts together that the reader of a turn's events is told; the model is told all."""
DEFAULT_POLICY = ToolPolicy()
APPROVAL = "request_approval"
"""What was done where a person is asked instead of the tool run."""

Emit = Callable[[TurnEvent], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Returned:
    """What one call of a tool came to; why it failed is its only fact."""

    tool: str
    outcome: ToolOutcome
    changed: bool
    """It changes something, and has run."""


class ToolCalls:
    """Runs the calls that the model makes in one turn. Calls of one model answer may run concurrently.

    `stopped` is set when a budget is spent; the loop ends the turn with it. `offers` is what the outcomes offer, the newest last.
    """

    def __init__(
        self,
        card: AgentCard,
        tools: Mapping[str, Tool],
        effects: Effects,
        request: TurnRequest,
        emit: Emit,
        lane: Lane = "interactive",
    ) -> None:
        self._card = card
        self._tools = tools
        self._effects = effects
        self._request = request
        self._emit = emit
        self._lane: Lane = lane
        self._seen: Counter[str] = Counter()
        self._count = 0
        self.passages = Passages(card.id)
        self.offers: list[Offer] = []
        """What the tools propose, the newest last; not what was done since."""
        self.offer_unanswered: Offer | None = None
        self.facts: list[str] = []
        """What the tools told of what they found or did: finished sentences."""
        self.called: set[str] = set()
        """Names of the tools that were called, well or not."""
        self.changed = False
        """One of them may change something, or waits for a person."""
        self.returned: list[Returned] = []
        """What the tools returned so far, in order: what an answer may rest on."""
        self.changes_nothing = False
        """Set when the model writes its answer again: tools that change data do not run any more."""
        self.stopped: SwitchboardError | None = None

    @property
    def descriptions(self) -> list[str]:
        """What the tools are described with to a language model."""
        return [tool.brief for tool in self._tools.values()]

    @property
    def names(self) -> list[str]:
        """Of the tools that the model may call."""
        return list(self._tools)

    @property
    def model(self) -> str | None:
        """The alias that the turn's variant of an experiment wants instead of the card's."""
        return self._request.variant.model if self._request.variant else None

    async def run(self, name: str, arguments: Mapping[str, Any], told: Callable[[ToolOutcome], str]) -> str:
        """One call, from the model's arguments to what the model reads next: the outcome as `told` writes it, or an error.

        Raises nothing of a tool's.
        """
        self._count += 1
        if self._count > self._card.limits.tool_calls:
            self.stopped = self.stopped or LimitExceeded("The question needs more steps than are allowed for one turn.")
        if self.stopped is not None:
            return _error_json("The limit of this turn is reached.")

        self.called.add(name)
        tool = self._tools[name]
        policy = self._card.tools.get(name, DEFAULT_POLICY)
        self.changed = self.changed or policy.risk != "read" or policy.approval != "never"
        if self.changes_nothing and policy.risk != "read":
            return _error_json("Nothing can be changed now: offer it to the customer.")
        first_id = call_id_of(name, arguments, 0)
        call_id = call_id_of(name, arguments, self._seen[first_id])
        self._seen[first_id] += 1
        await self._emit(ToolCalled(agent=self._card.id, call_id=call_id, name=name, arguments=dict(arguments)))

        started_s = time.perf_counter()
        facts: list[str] = []
        try:
            values = tool.validate(arguments)
            if policy.approval == "always":
                outcome, summary = await self._ask_a_person(call_id, name)
                answer = told(outcome)
            else:
                with tool_span(name, call_id):
                    outcome = await self._outcome(tool, policy, call_id, values)
                outcome = outcome.model_copy(update={"passages": self.passages.number(outcome.passages)})
                self.offers = [each for each in self.offers if each.tool != name]
                self.offers += [outcome.offer] if outcome.offer is not None else []
                facts = facts_of(outcome)
                self.facts += outcome.facts
                self.offer_unanswered = outcome.offer_unanswered or self.offer_unanswered
                self.returned.append(Returned(name, outcome, changed=policy.risk != "read"))
                answer, summary = told(outcome), _summary(outcome)
            ok = True
        except (ToolError, ModelRetry, SwitchboardError) as error:
            answer, summary, ok = _error_json(error.message, retry=isinstance(error, ModelRetry)), error.message, False
            self.returned.append(Returned(name, ToolOutcome(facts=[error.message]), changed=False))
        except Exception:
            # A tool is another team's code: whatever it raises is theirs to read in the log, and never the user's.
            logger.exception("The tool %s failed in turn %s.", name, self._request.turn_id)
            answer, summary, ok = _error_json(ToolError.default), ToolError.default, False
        await self._emit(
            ToolReturned(
                agent=self._card.id,
                call_id=call_id,
                name=name,
                ok=ok,
                summary=summary[:SUMMARY_CHARACTERS_MAX],
                facts=facts,
                duration_ms=round((time.perf_counter() - started_s) * 1000, 2),
            )
        )
        return answer

    async def _outcome(self, tool: Tool, policy: ToolPolicy, call_id: str, values: Mapping[str, Any]) -> ToolOutcome:
        request = self._request
        context = ToolContext(
            principal=request.principal,
            turn_id=request.turn_id,
            call_id=call_id,
            conversation_id=request.conversation_id,
            message=request.message,
            history=tuple(request.history),
            lane=self._lane,
        )
        if policy.risk == "read":
            return await tool.call(context, values)
        return await self._effects.once(request.turn_id, call_id, lambda: tool.call(context, values))

    async def _ask_a_person(self, call_id: str, name: str) -> tuple[ToolOutcome, str]:
        reason = f"{name.replace('_', ' ').capitalize()} needs the approval of a person before it is done."
        await self._emit(ApprovalRequired(agent=self._card.id, call_id=call_id, name=name, reason=reason))
        asked = ToolOutcome(facts=["A person is asked for approval."])
        self.returned.append(Returned(APPROVAL, asked, changed=True))
        outcome = ToolOutcome(facts=["This has not been done yet: a person must approve it first."])
        return outcome, reason


def _error_json(message: str, *, retry: bool = False) -> str:
    return orjson.dumps({"error": message, "retry": retry}).decode()


def facts_of(outcome: ToolOutcome) -> list[str]:
    """The facts, the offer's question and what the passages say, cut at the bound."""
    facts: list[str] = []
    left = FACTS_CHARACTERS_MAX
    offered = [outcome.offer.question] if outcome.offer else []
    for fact in [*outcome.facts, *offered, *(passage.text for passage in outcome.passages)]:
        if left <= 0:
            break
        facts.append(fact[:left])
        left -= len(facts[-1])
    return facts


def _summary(outcome: ToolOutcome) -> str:
    if outcome.facts:
        return outcome.facts[0]
    if outcome.passages:
        return "Found: " + "; ".join(dict.fromkeys(passage.title for passage in outcome.passages))
    return "Nothing was found."
