"""Step 4 of a turn: an answer that was given before streams like any other. What is kept, and where it is found, is in
`services.supervisor.caching`."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.supervisor.caching.answers import AnswerCache, Found, Question
from services.supervisor.caching.eligibility import is_general
from services.supervisor.caching.kept_answer import kept_of
from services.supervisor.routing.router import Router, RoutingDecision
from services.supervisor.turns.accept import Accepted
from services.supervisor.turns.logs import emit_whole
from services.supervisor.turns.merge import Emit
from services.supervisor.turns.records import Turn
from switchboard.caching.trace import record_look
from switchboard.contracts.degraded import BANNER
from switchboard.contracts.events import AgentStarted, RouteDecided, TurnCompleted
from switchboard.contracts.tools import SEARCH_TOOL

WHY = "The same was asked before, and the answer rests on articles that have not changed."
WHY_OFFLINE = "Nobody can answer just now; something very similar was asked before."
ROUTED_BY = ("classifier", "model")
"""Routes by which an answer belongs to its question alone."""


@dataclass(frozen=True, slots=True)
class TurnAnswers:
    """The cache, as the life of a turn uses it. Raises nothing."""

    cache: AnswerCache
    router: Router

    def question(self, accepted: Accepted) -> Question | None:
        """What is looked for; None for a message that is no question of its own, or that wants a fresh answer."""
        ask, conversation = accepted.ask, accepted.conversation
        if ask.cache == "no-store" or ask.request.agent is not None or conversation.handover is not None:
            refused = "person" if conversation.handover is not None else "caller"
        else:
            asked = self.cache.question(
                ask.principal.tenant,
                ask.request.message,
                conversation.history(),
                readable=self.router.readable,
                agents=self.router.known,
                arm=accepted.turn.experiment,
            )
            if isinstance(asked, Question):
                return asked
            refused = asked
        record_look("off", refused)
        return None

    async def find(self, accepted: Accepted, question: Question | None) -> Found | None:
        """What was answered before."""
        if question is None or accepted.ask.cache == "no-cache":
            return None
        return await self.cache.find(question)

    async def find_offline(self, question: Question | None) -> Found | None:
        """What was answered before to something similar, while the models are away."""
        return await self.cache.find_offline(question) if question is not None else None

    def consider(
        self,
        accepted: Accepted,
        question: Question | None,
        decision: RoutingDecision,
        answer: TurnCompleted,
        tools: Sequence[str],
    ) -> None:
        """Keeps an answer that is anybody's: of one agent, to a question that nothing stood before.

        Where another tool was called beside the search, the question must be one for the articles: then what the tool
        found of this customer was no answer to it, and would be none for another.
        """
        if question is None or len(decision.assignments) != 1 or decision.by not in ROUTED_BY:
            return
        if accepted.conversation.tail or accepted.conversation.remembered is not None:
            return
        if any(tool != SEARCH_TOOL for tool in tools) and not is_general(question.text, decision.topic):
            return
        kept = kept_of(answer, decision.assignments[0].agent.card.name)
        if kept is not None:
            accepted.turn.kept_as = self.cache.keep(question, kept)


def tell(found: Found, turn: Turn, emit: Emit, *, offline: bool = False) -> TurnCompleted:
    """Says a kept answer, under the banner while the models are away, and writes into the turn where it is kept."""
    answer = found.answer.told()
    if offline:
        answer.text = f"{BANNER}.\n\n{answer.text}"
    turn.route = RouteDecided(agents=answer.agents, by="cache", why=WHY_OFFLINE if offline else WHY)
    turn.kept_as = found.place
    emit(turn.route)
    emit(AgentStarted(agent=found.answer.agent, name=found.answer.agent_name))
    emit_whole(answer, emit)
    return answer
