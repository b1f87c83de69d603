"""The asynchronous life of a turn: accept, route, publish to `agent.<id>.turns`, take results as they come, merge, persist.

Nothing of a job lives in this process: a result may reach any replica, in any order, more than once.
"""

import asyncio
import logging

from services.supervisor.routing.router import Router
from services.supervisor.turns import guardrails
from services.supervisor.turns.accept import Acceptance, Accepted, Ask, Repeated
from services.supervisor.turns.conversations import Conversations
from services.supervisor.turns.ending import Ending, explained
from services.supervisor.turns.merge import merged
from services.supervisor.turns.outbox import Outbox
from services.supervisor.turns.records import JobPart, Turn, now
from services.supervisor.turns.route import route
from switchboard.contracts import topics
from switchboard.contracts.errors import Conflict, NotFound, SwitchboardError, Unavailable
from switchboard.contracts.events import TurnCompleted
from switchboard.contracts.turns import AgentAnswer, Principal, TurnRequest, TurnResult
from switchboard.sidecar.ports import PubSub
from switchboard.telemetry import tracer, turn_attributes

JOB_S_MAX = 600.0
"""From acceptance to the last result; then the job is read as interrupted."""
NOT_DELIVERED = "The request could not be delivered."

logger = logging.getLogger(__name__)


class Jobs:
    """Accepts asynchronous turns and takes their results. May be called concurrently, in any number of replicas."""

    def __init__(
        self,
        acceptance: Acceptance,
        ending: Ending,
        conversations: Conversations,
        router: Router,
        pubsub: PubSub,
        outbox: Outbox,
    ) -> None:
        self._acceptance = acceptance
        self._ending = ending
        self._conversations = conversations
        self._router = router
        self._pubsub = pubsub
        self._outbox = outbox

    async def accept(self, ask: Ask) -> Turn:
        """The job, written down and published. Raises as `Turns.start` does, and `Unavailable` without a broker.

        A job that cannot be published has failed: its idempotency key gives that again.
        """
        if (earlier := await self._acceptance.repeated(ask)) is not None:
            return await self.job(ask.principal, earlier.turn_id)
        with tracer(__name__).start_as_current_span("turn"):
            await guardrails.check_input(ask)
            accepted = await self._acceptance.accept(ask, JOB_S_MAX)
            if isinstance(accepted, Repeated):
                return await self.job(ask.principal, accepted.turn_id)
            turn = accepted.turn
            ids = (turn.tenant, turn.conversation_id, turn.turn_id)
            with turn_attributes(*ids, user=turn.user, experiment=turn.experiment):
                try:
                    await self._begin(accepted)
                except (Exception, asyncio.CancelledError) as error:
                    # Results of parts that did get out find the job ended, and are left out.
                    turn.fail(explained(error))
                    turn.outbox = self._outbox.due(turn)
                    if await self._ending.end_in_time(turn, later=lambda: self._outbox.put(turn)):
                        self._outbox.put(turn)
                    raise
                return turn

    async def job(self, principal: Principal, turn_id: str) -> Turn:
        """Raises `NotFound`, for somebody else's job too."""
        return await self._conversations.turn(principal, turn_id)

    async def take_result(self, result: TurnResult) -> None:
        """Handler of `turns.results`: idempotent per agent. Raises `Unavailable` to get the event again."""
        with turn_attributes(result.tenant, result.conversation_id, result.turn_id):
            answer = AgentAnswer.model_validate(result.model_dump(include=set(AgentAnswer.model_fields)))
            await self._take(result.tenant, result.turn_id, answer)

    async def take_dead(self, request: TurnRequest) -> None:
        """Handler of `turns.dead`: the part that no agent could take has failed."""
        principal = request.principal
        with turn_attributes(principal.tenant, request.conversation_id, request.turn_id, user=principal.user):
            if request.agent is not None:
                failed = AgentAnswer.failed(request.agent, Unavailable(NOT_DELIVERED))
                await self._take(principal.tenant, request.turn_id, failed)

    async def _begin(self, accepted: Accepted) -> None:
        """Routes the job and publishes its parts; one that is for no agent ends at once."""
        turn = accepted.turn
        decision, _ = await route(self._router, accepted, lane="batch")
        if not decision.assignments:
            turn.complete(TurnCompleted(text=decision.reply, agents=[]))
            turn.outbox = self._outbox.due(turn)
            await self._ending.end(turn, accepted.stored)
            self._outbox.put(turn)
            return
        turn.parts = [
            JobPart(agent=each.agent.card.id, name=each.agent.card.name, message=each.message)
            for each in decision.assignments
        ]
        # Before the first request is out: its result finds the part that it answers.
        await self._conversations.replace_turn(turn, (await accepted.stored).turn.etag)
        requests = [accepted.request_for(part.agent, part.message) for part in turn.parts]
        await asyncio.gather(
            *(
                self._pubsub.publish(topics.turns_of(part.agent), request.model_dump(mode="json"))
                for part, request in zip(turn.parts, requests, strict=True)
            )
        )

    async def _take(self, tenant: str, turn_id: str, answer: AgentAnswer) -> None:
        latest: Turn | None = None
        ended = False

        def with_answer(turn: Turn) -> Turn | None:
            nonlocal latest, ended
            latest, ended = turn, False
            part = next((each for each in turn.parts if each.agent == answer.agent), None)
            if part is None or part.answer is not None:
                return None
            part.answer = answer
            if turn.status == "running" and all(each.answer is not None for each in turn.parts):
                _end(turn)
                turn.outbox = self._outbox.due(turn)
                ended = True
            return turn

        try:
            await self._conversations.change_turn(tenant, turn_id, with_answer)
            if latest is not None and latest.status != "running":
                await self._conversations.settle(latest)  # a result comes again where this failed the first time
        except NotFound:
            logger.warning("a result for turn %s of %s, which is not there", turn_id, tenant)
            await self._conversations.erase_late(tenant, turn_id)
        except Conflict as error:
            raise Unavailable from error
        finally:
            if latest is not None and ended:
                self._outbox.put(latest)


def _end(turn: Turn) -> None:
    """All parts are in: makes the one answer of them."""
    turn.duration_ms = round((now() - turn.created_at).total_seconds() * 1000, 2)
    try:
        turn.complete(merged([(part.name, part.answer) for part in turn.parts if part.answer is not None]))
    except SwitchboardError as error:
        turn.fail(error)
