"""The models inside this process: no key, no network. Chat is `switchboard.models.embedded`, vectors are MiniLM's."""

import asyncio
import base64
import time
import uuid
from typing import Any

import numpy as np
import orjson

from services.gateway.providers.chunked import WholeStream
from services.gateway.providers.port import Call, EventBytes, ModelAnswer, Spent
from switchboard.contracts.errors import InvalidRequest
from switchboard.models.embedded.completion import CompletionReply, completion_request_of
from switchboard.models.embedded.model import EmbeddedChatModel
from switchboard.models.minilm import MiniLmEmbedder

CHAT_MODEL = "switchboard-embedded"
INPUTS_MAX = 2_048


class Embedded:
    """Always there. Its answers cost nothing."""

    def __init__(self, embedder: MiniLmEmbedder) -> None:
        self._embedder = embedder
        self._chat = EmbeddedChatModel(embedder)
        self._learning: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return "embedded"

    async def open(self) -> None:
        await self._embedder.open()
        self._learning = asyncio.create_task(self._chat.open())

    async def close(self) -> None:
        if self._learning is not None:
            self._learning.cancel()
            await asyncio.gather(self._learning, return_exceptions=True)

    async def chat(self, call: Call) -> ModelAnswer:
        reply = await self._chat.complete(completion_request_of(call.body))
        message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None}
        if reply.calls:
            message["tool_calls"] = _calls(reply)
        body = {
            **_head("chat.completion", call.model),
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish_reason}],
            "usage": _usage(reply),
        }
        return ModelAnswer(body, _spent(reply), call.model, reply.finish_reason)

    async def stream(self, call: Call) -> EventBytes:
        return WholeStream((await self.chat(call)).body)

    async def spent_on(self, call_id: str) -> Spent | None:
        del call_id
        return Spent()

    async def embed(self, call: Call) -> ModelAnswer:
        texts = _inputs(call.body.get("input"))
        encoding = call.body.get("encoding_format") or "float"
        if encoding not in ("float", "base64"):
            raise InvalidRequest("'encoding_format' must be float or base64.")
        if call.body.get("dimensions") not in (None, 384):
            raise InvalidRequest("'dimensions' must be 384: the embedded model has no other size.")
        vectors = await self._embedder.embed(texts)
        tokens = sum(self._embedder.count_tokens(text) for text in texts)
        data = [
            {"object": "embedding", "index": index, "embedding": _vector(row, encoding)}
            for index, row in enumerate(vectors)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        body = {"object": "list", "data": data, "model": self._embedder.model_id, "usage": usage}
        return ModelAnswer(body, Spent(prompt_tokens=tokens), self._embedder.model_id)


def _inputs(raw: Any) -> list[str]:
    texts = [raw] if isinstance(raw, str) else raw
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise InvalidRequest("'input' must be a text or a list of texts, none of them empty.")
    if len(texts) > INPUTS_MAX:
        raise InvalidRequest(f"'input' holds more than {INPUTS_MAX} texts.")
    return texts


def _vector(row: Any, encoding: str) -> str | list[float]:
    return base64.b64encode(row.astype("<f4").tobytes()).decode() if encoding == "base64" else np.asarray(row).tolist()


def _head(kind: str, model: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": model}


def _calls(reply: CompletionReply) -> list[dict[str, Any]]:
    return [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": orjson.dumps(call.arguments).decode()},
        }
        for call in reply.calls
    ]


def _spent(reply: CompletionReply) -> Spent:
    return Spent(prompt_tokens=reply.prompt_tokens, completion_tokens=reply.completion_tokens)


def _usage(reply: CompletionReply) -> dict[str, Any]:
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
    }
