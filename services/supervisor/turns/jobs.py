"""The asynchronous life of a turn: route, publish to `agent.<id>.turns`, take results as they come, merge, persist.

Nothing of a job lives in this process: a result may reach any replica, in any order, more than once.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from services.supervisor.api.problems import error_of_code
from services.supervisor.feedback.online_evaluation import OnlineEvaluation
from services.supervisor.memory.folding import Remembering
from services.supervisor.routing.router import Router
from services.supervisor.turns.conversations import Claim, Conversations
from services.supervisor.turns.life import (
    ANOTHER_REQUEST,
    Ask,
    context_of,
    event_of,
    handover_event_of,
    handover_of,
    route_of,
    take_answer,
    take_failure,
)
from services.supervisor.turns.merge import Answer, Said, merged
from services.supervisor.turns.publisher import BackgroundPublisher
from services.supervisor.turns.records import Conversation, Part, Turn, lease_of, now, turn_id_of
from switchboard.contracts import topics
from switchboard.contracts.errors import Conflict, SwitchboardError, Unavailable, Unprocessable
from switchboard.contracts.turns import Principal, TurnRequest, TurnResult
from switchboard.experiments.assignment import Assigned, Experiments
from switchboard.models.caller import Caller
from switchboard.sidecar.ports import PubSub
from switchboard.telemetry import current_span_id, current_trace_id, tracer, turn_attributes

JOB_S_MAX = 600.0
"""From acceptance to the last result; then the job is read as interrupted."""
APPLY_ATTEMPTS_MAX = 8
JITTER_S_MAX = 0.03
DEAD_PART = "The request could not be delivered."

logger = logging.getLogger(__name__)


class Jobs:
    """Accepts asynchronous turns and takes their results. May be called concurrently, in any number of replicas."""

    def __init__(
        self,
        conversations: Conversations,
        router: Router,
        pubsub: PubSub,
        publisher: BackgroundPublisher,
        experiments: Experiments,
        evaluation: OnlineEvaluation,
        remembering: Remembering | None = None,
    ) -> None:
        self._remembering = remembering
        self._conversations = conversations
        self._router = router
        self._pubsub = pubsub
        self._publisher = publisher
        self._experiments = experiments
        self._evaluation = evaluation

    async def accept(self, ask: Ask) -> Turn:
        """The job, written down and published. Raises as `Turns.start` does, and `Unavailable` without a broker."""
        if ask.idempotency_key is not None:
            earlier = await self._conversations.claim_of(ask.principal, ask.idempotency_key)
            if earlier is not None:
                return await self._claimed(ask, earlier)
        with tracer(__name__).start_as_current_span("turn"):
            conversation = await self._conversations.next_turn(ask.principal, ask.request.conversation_id)
            turn_id = turn_id_of(conversation.conversation_id, conversation.turn_count)
            if ask.idempotency_key is not None:
                mine = Claim(turn_id, ask.digest)
                claim = await self._conversations.claim(ask.principal, ask.idempotency_key, mine)
                if claim != mine:
                    return await self._claimed(ask, claim)
            assigned = self._experiments.assigned(ask.principal.tenant)
            experiment = assigned.label if assigned else ""
            user = ask.principal.user
            with turn_attributes(
                ask.principal.tenant, conversation.conversation_id, turn_id, user=user, experiment=experiment
            ):
                caller = Caller.of_turn(
                    ask.principal,
                    feature="routing",
                    conversation=conversation.conversation_id,
                    turn=turn_id,
                    lane="batch",
                )
                decision = await self._router.decide(
                    ask.request.message, context_of(conversation), ask.request.agent, caller=caller
                )
                deadline = now() + timedelta(seconds=JOB_S_MAX)
                turn = Turn(
                    turn_id=turn_id,
                    conversation_id=conversation.conversation_id,
                    n=conversation.turn_count,
                    tenant=ask.principal.tenant,
                    user=ask.principal.user,
                    lease_until=lease_of(deadline),
                    idempotency_key=ask.idempotency_key,
                    message=ask.request.message,
                    route=route_of(decision),
                    handover=handover_of(decision, conversation, ask.request.message),
                    parts=[
                        Part(agent=each.agent.card.id, name=each.agent.card.name, message=each.message)
                        for each in decision.assignments
                    ],
                    experiment=experiment,
                    trace_id=current_trace_id(),
                    span_id=current_span_id(),
                    created_at=now(),
                )
                if not decision.assignments:
                    take_answer(turn, Answer(text=decision.reply))
                await self._conversations.record(turn)
                if not decision.assignments:
                    await self._ended(turn)
                    return turn
                await self._publish(ask.principal, turn, deadline, conversation, assigned)
                return turn

    async def job(self, principal: Principal, turn_id: str) -> Turn:
        """Raises `NotFound`, for somebody else's job too."""
        return await self._conversations.turn(principal, turn_id)

    async def take_result(self, result: TurnResult) -> None:
        """Handler of `turns.results`: idempotent per agent. Raises `Unavailable` to get the event again."""
        with turn_attributes(result.tenant, result.conversation_id, result.turn_id):
            await self._take(
                result.tenant,
                result.turn_id,
                lambda part: part.agent == result.agent,
                {
                    "status": result.status,
                    "text": result.text,
                    "citations": result.citations,
                    "usage": result.usage,
                    "code": result.code or "",
                    "failure": result.message or "",
                },
            )

    async def take_dead(self, request: TurnRequest) -> None:
        """Handler of `turns.dead`: the part that no agent could take has failed."""
        principal = request.principal
        with turn_attributes(principal.tenant, request.conversation_id, request.turn_id, user=principal.user):
            await self._take(
                principal.tenant,
                request.turn_id,
                lambda part: part.agent == request.agent,
                {"status": "failed", "code": Unavailable.code, "failure": DEAD_PART},
            )

    async def _publish(
        self,
        principal: Principal,
        turn: Turn,
        deadline: datetime,
        conversation: Conversation,
        assigned: Assigned | None,
    ) -> None:
        requests = [
            TurnRequest(
                turn_id=turn.turn_id,
                conversation_id=turn.conversation_id,
                agent=part.agent,
                principal=principal,
                message=part.message,
                history=conversation.history(),
                remembered=conversation.remembered,
                deadline=deadline,
                variant=assigned.of(part.agent) if assigned else None,
            )
            for part in turn.parts
        ]
        try:
            await asyncio.gather(
                *(
                    self._pubsub.publish(topics.turns_of(part.agent), request.model_dump(mode="json"))
                    for part, request in zip(turn.parts, requests, strict=True)
                )
            )
        except SwitchboardError as error:
            # Results of parts that did get out find the job ended, and are left out.
            take_failure(turn, error)
            stored = await self._conversations.stored(turn)
            await self._conversations.finish(turn, stored)
            raise

    async def _take(self, tenant: str, turn_id: str, mine: Callable[[Part], bool], update: dict[str, object]) -> None:
        for attempt in range(1, APPLY_ATTEMPTS_MAX + 1):
            item = await self._conversations.turn_item(tenant, turn_id)
            if item is None:
                logger.error("a result for turn %s of %s, which is not there", turn_id, tenant)
                return
            turn = Turn.model_validate(item.value)
            part = next((each for each in turn.parts if mine(each) and each.status == "running"), None)
            if part is None:
                if turn.status == "completed":
                    await self._conversations.remember(turn)  # it came again because this failed the first time
                return
            for name, value in update.items():
                setattr(part, name, value)
            ended = turn.status == "running" and all(each.status != "running" for each in turn.parts)
            if ended:
                _end(turn)
            try:
                await self._conversations.replace_turn(turn, item.etag)
            except Conflict:
                await asyncio.sleep(random.random() * JITTER_S_MAX * attempt)
                continue
            if ended:
                await self._ended(turn)
            return
        raise Unavailable

    async def _ended(self, turn: Turn) -> None:
        if turn.status == "completed":
            await self._conversations.remember(turn)
            if self._remembering is not None:
                self._remembering.after(turn)
        self._publisher.publish(topics.CONVERSATION_EVENTS, event_of(turn))
        self._evaluation.consider(turn)
        if turn.handover is not None and turn.status == "completed":
            self._publisher.publish(topics.HANDOVER, handover_event_of(turn))

    async def _claimed(self, ask: Ask, claim: Claim) -> Turn:
        if claim.digest != ask.digest:
            raise Unprocessable(ANOTHER_REQUEST)
        return await self._conversations.turn(ask.principal, claim.turn_id)


def _end(turn: Turn) -> None:
    """All parts are in: makes the one answer of them."""
    turn.duration_ms = round((now() - turn.created_at).total_seconds() * 1000, 2)
    try:
        take_answer(turn, merged([_said(part) for part in turn.parts]))
    except SwitchboardError as error:
        take_failure(turn, error)


def _said(part: Part) -> Said:
    error = error_of_code(part.code, part.failure) if part.status == "failed" else None
    return Said(part.agent, part.name, part.text, part.citations, part.usage, error)
