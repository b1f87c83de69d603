"""The model that is asked where the classifier is unsure: through the gateway, with a deadline, never in the way."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

import orjson

from switchboard.contracts.cards import AgentCard
from switchboard.contracts.errors import SwitchboardError
from switchboard.routing.decision import Context
from switchboard.routing.judgement import Judgement, answer_of, question
from switchboard.sidecar.ports import Invoker

EMBEDDED = "embedded"
"""Who owns, by the gateway's list of models, the one in its own process: it cannot judge."""
OWNER_FRESH_S = 60.0

logger = logging.getLogger(__name__)


class Judge:
    """Asks an alias of the gateway. May be called concurrently; never raises: without an answer there is none."""

    def __init__(self, invoker: Invoker, gateway_app_id: str, model: str, *, seconds_max: float) -> None:
        self._invoker = invoker
        self._gateway = gateway_app_id
        self._model = model
        self._seconds_max = seconds_max
        self._can_judge = False
        self._looked_at = float("-inf")

    async def judge(self, message: str, context: Context, cards: Sequence[AgentCard]) -> Judgement | None:
        """What the model says, or None: it is the embedded one, too slow, out of order, or answers something else."""
        try:
            if not cards or not await self._able():
                return None
            body = {"model": self._model, **question(message, context, cards)}
            told = await self._json("v1/chat/completions", body)
            judgement = answer_of(str(told["choices"][0]["message"]["content"]), cards, str(told.get("model", "")))
        except (SwitchboardError, TimeoutError) as error:
            logger.warning("The routing model %s did not answer: %r.", self._model, error)
            return None
        except (orjson.JSONDecodeError, KeyError, IndexError, TypeError) as error:
            logger.warning("The routing model %s answered what is no completion: %r.", self._model, error)
            return None
        if judgement is None:
            logger.warning("The routing model %s did not keep to the form of the answer.", self._model)
        return judgement

    async def _able(self) -> bool:
        if time.monotonic() - self._looked_at > OWNER_FRESH_S:
            told = await self._json("v1/models", None)
            owners = {each["id"]: each["owned_by"] for each in told["data"]}
            self._can_judge = owners.get(self._model, EMBEDDED) != EMBEDDED
            self._looked_at = time.monotonic()
        return self._can_judge

    async def _json(self, path: str, body: dict[str, Any] | None) -> Any:
        """Raises `SwitchboardError`, `TimeoutError`, `JSONDecodeError` and, for a refusal, `KeyError`."""
        method = "GET" if body is None else "POST"
        opened = self._invoker.open(self._gateway, path, json=body, method=method, timeout_s=self._seconds_max)
        async with asyncio.timeout(self._seconds_max), opened as response:
            raw = await response.body()
        if response.status != 200:
            raise KeyError(f"status {response.status}")
        return orjson.loads(raw)
