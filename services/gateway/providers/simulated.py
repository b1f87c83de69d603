"""The simulated provider's server (`python -m tools.simulated_provider`): OpenAI's protocol, and what a call has cost.

A provider that tells what a call cost that broke off lets the load tests compare the ledger with it, attempt by attempt.
"""

from typing import Any, cast

import aiohttp
import orjson

from services.gateway.providers.openai_compatible import OpenAiCompatible
from services.gateway.providers.port import Spent, spent_of

ANSWER_S_MAX = 2.0


class Simulated(OpenAiCompatible):
    """`base_url` ends in `/v1`."""

    def __init__(self, *, base_url: str) -> None:
        super().__init__(base_url=base_url, api_key=None)
        self._requests_url = f"{self._base_url.removesuffix('/v1')}/simulated/requests"

    @property
    def name(self) -> str:
        return "simulated"

    async def spent_on(self, call_id: str) -> Spent | None:
        if self._session is None:
            return None
        try:
            timeout = aiohttp.ClientTimeout(total=ANSWER_S_MAX)
            async with self._session.post(f"{self._requests_url}/{call_id}/stop", timeout=timeout) as response:
                usage = orjson.loads(await response.read()) if response.status == 200 else None
        except (aiohttp.ClientError, OSError, TimeoutError, orjson.JSONDecodeError):
            return None
        return spent_of(cast(dict[str, Any], usage)) if isinstance(usage, dict) else None
