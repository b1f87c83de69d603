"""Summaries by the model behind the gateway, where one is configured; by extraction where it is the embedded one."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from switchboard.contracts.errors import Unavailable
from switchboard.memory.summary import ExtractiveSummarizer, ModelSummarizer, Summarizer
from switchboard.models.caller import caller_headers
from switchboard.sidecar.ports import Invoker

TIMEOUT_S = 20.0
EMBEDDED = "embedded"
"""Who owns, by the gateway's list of models, the one in its own process: it extracts, as we do."""

logger = logging.getLogger(__name__)


class GatewaySummarizer:
    """`Summarizer`. Asks the gateway once who owns `alias`; an empty alias asks nothing and extracts."""

    def __init__(self, invoker: Invoker, gateway_app_id: str, alias: str) -> None:
        self._invoker = invoker
        self._gateway_app_id = gateway_app_id
        self._alias = alias
        self._chosen: Summarizer | None = None if alias else ExtractiveSummarizer()

    async def summarize(self, texts: Sequence[str], characters_max: int) -> str:
        return await (self._chosen or await self._choice()).summarize(texts, characters_max)

    async def _choice(self) -> Summarizer:
        try:
            listed = await self._call("v1/models", None)
            owners = {str(each["id"]): str(each.get("owned_by")) for each in listed["data"]}
        except (Unavailable, KeyError, TypeError) as error:
            logger.warning("the gateway's models are not known yet: %s", error)
            return ExtractiveSummarizer()  # asked again with the next summary
        owner = owners.get(self._alias, EMBEDDED)
        self._chosen = ExtractiveSummarizer() if owner == EMBEDDED else ModelSummarizer(self._ask)
        return self._chosen

    async def _ask(self, prompt: str, tokens_max: int) -> str:
        body = {"model": self._alias, "messages": [{"role": "user", "content": prompt}], "max_tokens": tokens_max}
        answer = await self._call("v1/chat/completions", body)
        try:
            return str(answer["choices"][0]["message"]["content"] or "")
        except (KeyError, IndexError, TypeError) as error:
            raise Unavailable("The language model gave an answer that is no text.") from error

    async def _call(self, path: str, body: Mapping[str, Any] | None) -> Any:
        opened = self._invoker.open(
            self._gateway_app_id,
            path,
            json=body,
            headers=dict(caller_headers()),
            timeout_s=TIMEOUT_S,
            method="GET" if body is None else "POST",
        )
        async with opened as response:
            if response.status != 200:
                raise Unavailable(f"The model gateway answered with {response.status}.")
            try:
                return orjson.loads(await response.body())
            except orjson.JSONDecodeError as error:
                raise Unavailable("The model gateway gave an answer that is no JSON.") from error
