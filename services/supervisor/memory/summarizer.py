"""Summaries by the model behind the gateway, where one is configured; by extraction where it is the embedded one."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from switchboard.contracts.errors import Unavailable
from switchboard.memory.summary import ModelSummarizer, extract
from switchboard.models.caller import Caller
from switchboard.models.gateway import GatewayClient

TIMEOUT_S = 20.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GatewaySummarizer:
    """`Summarizer` for one caller. An empty alias asks nothing and extracts."""

    gateway: GatewayClient
    alias: str
    caller: Caller

    async def summarize(self, texts: Sequence[str], characters_max: int) -> str:
        if await self._extracts():
            return extract(texts, characters_max)
        return await ModelSummarizer(self._ask).summarize(texts, characters_max)

    async def _extracts(self) -> bool:
        try:
            return not self.alias or not await self.gateway.is_language_model(self.alias)
        except Unavailable as error:
            logger.warning("The gateway's models are not known yet: %s", error)
            return True

    async def _ask(self, prompt: str, tokens_max: int) -> str:
        body = {"model": self.alias, "messages": [{"role": "user", "content": prompt}], "max_tokens": tokens_max}
        # Two life stories may be as near as two wordings of one question: what is near is no reason to share a summary.
        return (await self.gateway.complete(body, self.caller.uncached(), timeout_s=TIMEOUT_S)).text
