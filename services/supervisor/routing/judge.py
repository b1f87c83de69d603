"""The model that is asked where the classifier is unsure: through the gateway, with a deadline, never in the way."""

import asyncio
import logging
from collections.abc import Sequence

from switchboard.contracts.cards import AgentCard
from switchboard.contracts.errors import SwitchboardError
from switchboard.models.caller import Caller
from switchboard.models.gateway import GatewayClient
from switchboard.routing.decision import Context
from switchboard.routing.judgement import Judgement, answer_of, question

logger = logging.getLogger(__name__)


class RoutingJudge:
    """Asks an alias of the gateway. May be called concurrently; never raises: without an answer there is none."""

    def __init__(self, gateway: GatewayClient, alias: str, *, seconds_max: float) -> None:
        self._gateway = gateway
        self._alias = alias
        self._seconds_max = seconds_max

    async def judge(
        self, message: str, context: Context, cards: Sequence[AgentCard], caller: Caller
    ) -> Judgement | None:
        """What the model says, or None: it is the embedded one, too slow, out of order, or answers something else."""
        try:
            async with asyncio.timeout(self._seconds_max):
                if not cards or not await self._gateway.is_language_model(self._alias):
                    return None
                body = {"model": self._alias, **question(message, context, cards)}
                # The prompt holds what was said before: the judgement of another conversation is none of this one.
                answer = await self._gateway.complete(body, caller.uncached())
        except (SwitchboardError, TimeoutError) as error:
            logger.warning("The routing model %s did not answer: %r.", self._alias, error)
            return None
        judgement = answer_of(answer.text, cards, answer.model)
        if judgement is None:
            logger.warning("The routing model %s did not keep to the form of the answer.", self._alias)
        return judgement
