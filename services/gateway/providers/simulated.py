"""The simulated provider: inside this process, or its server elsewhere."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson

from services.gateway.providers.openai_compatible import (
    BROKEN_OFF,
    UNREADABLE,
    OpenAiCompatible,
    error_of,
)
from services.gateway.providers.port import Answer, Call, EventBytes, Spent, spent_of
from services.gateway.simulated.faults import FaultRules
from services.gateway.simulated.model import BrokenOff, Refused, SimulatedModel
from switchboard.contracts.errors import Unavailable

TOLD_S_MAX = 2.0


class Simulated:
    """A `SimulatedModel` as a provider. It waits and fails as one over the network does."""

    def __init__(self, model: SimulatedModel | None = None) -> None:
        self.model = model or SimulatedModel()

    @property
    def name(self) -> str:
        return "simulated"

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def chat(self, call: Call) -> Answer:
        return await self._whole(self.model.answer({**call.body, "model": call.model}, call.id), call)

    async def embed(self, call: Call) -> Answer:
        return await self._whole(self.model.embed({**call.body, "model": call.model}, call.id), call)

    async def stream(self, call: Call) -> EventBytes:
        body = {**call.body, "model": call.model, "stream_options": {"include_usage": True}}
        events = self.model.events(body, call.id)
        try:
            return _Events(await anext(events), events)
        except Refused as refused:
            raise _error(refused) from refused
        except BrokenOff as error:
            raise Unavailable(BROKEN_OFF) from error

    async def spent_on(self, call_id: str) -> Spent | None:
        told = self.model.served.stop(call_id)
        return Spent(told.prompt_tokens, told.completion_tokens, told.cached_tokens)

    async def _whole(self, answer: Any, call: Call) -> Answer:
        try:
            body = orjson.loads(await answer)
        except Refused as refused:
            raise _error(refused) from refused
        except BrokenOff as error:
            raise Unavailable(BROKEN_OFF) from error
        except orjson.JSONDecodeError as error:
            raise Unavailable(UNREADABLE) from error
        choices = body.get("choices") or [{}]
        return Answer(body, spent_of(body["usage"]), call.model, str(choices[0].get("finish_reason") or ""))


class RemoteSimulated(OpenAiCompatible):
    """The simulated provider's server; `base_url` ends in `/v1`. It can say what a call that broke off has cost."""

    def __init__(self, *, base_url: str) -> None:
        super().__init__(base_url=base_url, api_key=None)
        self._root = self._base_url.removesuffix("/v1")

    @property
    def name(self) -> str:
        return "simulated"

    async def spent_on(self, call_id: str) -> Spent | None:
        told = await self._ask("POST", f"/simulated/requests/{call_id}/stop")
        return spent_of(told) if told is not None else None

    async def set_faults(self, rules: FaultRules) -> None:
        """Raises `Unavailable` when the server does not answer."""
        if await self._ask("PUT", "/simulated/faults", rules.model_dump_json().encode()) is None:
            raise Unavailable("The simulated provider does not answer.")

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any] | None:
        if self._session is None:
            return None
        try:
            timeout = aiohttp.ClientTimeout(total=TOLD_S_MAX)
            async with self._session.request(method, self._root + path, data=body, timeout=timeout) as response:
                told = orjson.loads(await response.read()) if response.status == 200 else None
        except (aiohttp.ClientError, OSError, TimeoutError, orjson.JSONDecodeError):
            return None
        return told if isinstance(told, dict) else None


class _Events:
    def __init__(self, first: bytes, rest: AsyncIterator[bytes]) -> None:
        self._first, self._rest = first, rest

    async def read(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            return first
        try:
            return await anext(self._rest, b"")
        except BrokenOff as error:
            raise Unavailable(BROKEN_OFF) from error

    async def finish(self) -> None: ...

    async def close(self) -> None:
        closing = getattr(self._rest, "aclose", None)
        if closing is not None:
            await closing()


def _error(refused: Refused):
    return error_of(refused.status, None if refused.retry_after_s is None else f"{refused.retry_after_s:g}")
