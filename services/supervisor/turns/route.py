"""The route of a turn: what its message is read against, and what the decision writes into the turn."""

from services.supervisor.desk.handover import handover_of
from services.supervisor.routing.router import Router, RoutingDecision
from services.supervisor.turns.accept import Accepted
from services.supervisor.turns.records import Conversation
from switchboard.contracts.events import RouteDecided
from switchboard.models.caller import Caller, Lane
from switchboard.routing.decision import Context


async def route(
    router: Router, accepted: Accepted, *, lane: Lane = "interactive"
) -> tuple[RoutingDecision, RouteDecided]:
    """Decides who answers a turn, and writes it into the turn; the hand-over to a person, too, where there is one.

    Raises `NotFound` for a requested agent that was never here, `Unavailable` for one that is gone.
    """
    turn, conversation = accepted.turn, accepted.conversation
    principal, request = accepted.ask.principal, accepted.ask.request
    ids = {"conversation": turn.conversation_id, "turn": turn.turn_id}
    caller = Caller.of_turn(principal, feature="routing", lane=lane, **ids)
    decision = await router.decide(turn.message, context_of(conversation), request.agent, caller=caller)
    agents = [each.agent.card.id for each in decision.assignments]
    decided = RouteDecided(agents=agents, scores=decision.scores, by=decision.by, why=decision.why)
    turn.route = decided
    if decision.hands_over is not None:
        turn.handover = handover_of(decision.hands_over, conversation.history(), turn.message)
    return decision, decided


def context_of(conversation: Conversation) -> Context:
    """What a message of this conversation is read against."""
    return Context(
        conversation.agent, conversation.tail, conversation.refusals, handed_over=conversation.handover is not None
    )
