"""A model that says what a test tells it: an OpenAI-protocol server that answers at once.

    python -m switchboard.testing.scripted_model --port 9009

`POST /script` with `{"steps": [...]}` sets what to answer, `GET /requests` gives what was asked, `DELETE /requests`
forgets it. A step is one of

    {"text": "The answer."}                                            said, in the chunks that the words make
    {"text": ""}                                                       nothing: neither words nor a call
    {"tool_calls": [{"name": "get_invoice", "arguments": {...}}]}      called
    {"status": 503, "message": "...", "code": "..."}                   an error of the provider
    {"refusal": "I can't."}                                            declined, in the field that OpenAI has for that

A step may have `when`: a string that the last message must contain; `delay_ms` before each chunk; `wait_after`, a number
of words after which it says nothing more until `POST /go`; `finish`, the reason of the end instead of the natural one,
"" for a stream that gives none. Steps without
`when` are used up in order, those with it are not. When nothing fits, the model calls the first tool it is offered
that needs no argument, and after a tool's result says `DEFAULT_TEXT`: what a bench needs, without a script.
"""

import argparse
import asyncio
import base64
import math
import re
import struct
import time
import zlib
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import orjson
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

DEFAULT_TEXT = "Your request is done."
REQUESTS_KEPT_MAX = 200
COST_PICOUSD = 100_000_000
EMBEDDING_DIMENSIONS = 384


class ScriptedCall(BaseModel):
    name: str
    arguments: dict[str, Any] | str = Field(default_factory=dict)
    """A string is sent as it stands: broken JSON for tests."""


class Step(BaseModel):
    text: str | None = None
    tool_calls: list[ScriptedCall] = Field(default_factory=list[ScriptedCall])
    status: int = 200
    message: str = "The scripted provider failed."
    code: str = ""
    refusal: str = ""
    finish: str | None = None
    when: str | None = None
    delay_ms: float = 0.0
    wait_after: int | None = None
    """Says so many words, and the others once `ScriptedModel.go` is set."""
    cache: str = ""
    """Which cache of the gateway's the answer is said to come from."""


class Script(BaseModel):
    steps: list[Step] = Field(default_factory=list[Step], max_length=1_000)


class ScriptedModel:
    """What to answer, and what was asked. One for a server."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.owner = "tests"
        """Who owns it, by its list of models; "embedded" as the gateway's own model."""
        self.requests: deque[dict[str, Any]] = deque(maxlen=REQUESTS_KEPT_MAX)
        self.go = asyncio.Event()
        self._calls = 0

    def next_step(self, body: Mapping[str, Any]) -> Step:
        messages: list[Mapping[str, Any]] = body.get("messages") or [{}]
        last = str(messages[-1].get("content") or "")
        for index, step in enumerate(self.steps):
            if step.when is None:
                return self.steps.pop(index)
            if step.when in last:
                return step
        if messages[-1].get("role") == "user":
            tools: list[dict[str, Any]] = body.get("tools") or []
            for offered in tools:
                if not offered["function"]["parameters"].get("required"):
                    return Step(tool_calls=[ScriptedCall(name=offered["function"]["name"])])
        return Step(text=DEFAULT_TEXT)

    def call_id(self) -> str:
        self._calls += 1
        return f"call_{self._calls}"


def _usage(body: Mapping[str, Any], step: Step) -> dict[str, Any]:
    messages: list[Mapping[str, Any]] = body.get("messages") or []
    prompt = sum(len(str(message.get("content") or "")) for message in messages) // 4
    completion = max(1, len(step.text or "") // 4)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "cost_usd": COST_PICOUSD / 10**12,
        "cost_picousd": COST_PICOUSD,
        **({"cache": step.cache} if step.cache else {}),
    }


def _message(step: Step, model: ScriptedModel) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": step.text, "refusal": step.refusal or None}
    if step.tool_calls:
        message["tool_calls"] = [
            {
                "index": index,
                "id": model.call_id(),
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": call.arguments
                    if isinstance(call.arguments, str)
                    else orjson.dumps(call.arguments).decode(),
                },
            }
            for index, call in enumerate(step.tool_calls)
        ]
    return message


async def _chunks(body: Mapping[str, Any], step: Step, model: ScriptedModel) -> AsyncGenerator[bytes, None]:
    head = {
        "id": "chatcmpl-scripted",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": body.get("model", "scripted"),
    }

    def chunk(delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        return b"data: " + orjson.dumps({**head, "choices": choices}) + b"\n\n"

    message = _message(step, model)
    yield chunk({"role": "assistant", "content": ""})
    for said, word in enumerate(re.findall(r"\S+\s*|\s+", step.text or "")):
        if said == step.wait_after:
            await model.go.wait()
        if step.delay_ms:
            await asyncio.sleep(step.delay_ms / 1000)
        yield chunk({"content": word})
    for word in re.findall(r"\S+\s*", step.refusal):
        yield chunk({"refusal": word})
    for call in message.get("tool_calls", ()):
        # A real provider sends the name first and the arguments in pieces.
        arguments = call["function"]["arguments"]
        half = len(arguments) // 2
        yield chunk({"tool_calls": [{**call, "function": {"name": call["function"]["name"], "arguments": ""}}]})
        for piece in (arguments[:half], arguments[half:]):
            yield chunk({"tool_calls": [{"index": call["index"], "function": {"arguments": piece}}]})
    if finish := _finish_reason(step):
        yield chunk({}, finish)
    stream_options: Mapping[str, Any] = body.get("stream_options") or {}
    if stream_options.get("include_usage"):
        yield b"data: " + orjson.dumps({**head, "choices": [], "usage": _usage(body, step)}) + b"\n\n"
    yield b"data: [DONE]\n\n"


def _finish_reason(step: Step) -> str:
    natural = "tool_calls" if step.tool_calls else "stop"
    return natural if step.finish is None else step.finish


def embedding_of(text: str) -> bytes:
    """A unit vector that is near those of texts with the same words: enough for tests of retrieval."""
    vector = [0.0] * EMBEDDING_DIMENSIONS
    for word in re.findall(r"[a-z0-9]{4,}", text.lower()):
        vector[zlib.crc32(word.encode()) % EMBEDDING_DIMENSIONS] = 1.0
    length = math.sqrt(sum(vector)) or 1.0
    return struct.pack(f"<{EMBEDDING_DIMENSIONS}f", *(value / length for value in vector))


def _encoded(packed: bytes, body: Mapping[str, Any]) -> str | list[float]:
    if body.get("encoding_format") == "base64":
        return base64.b64encode(packed).decode()
    return list(struct.unpack(f"<{EMBEDDING_DIMENSIONS}f", packed))


def build_app(model: ScriptedModel | None = None) -> Starlette:
    """The server as an ASGI app, for tests that want it in their own process."""
    scripted = model or ScriptedModel()

    async def completions(request: Request) -> Response:
        body = orjson.loads(await request.body())
        scripted.requests.append({"body": body, "headers": dict(request.headers)})
        step = scripted.next_step(body)
        if step.status != 200:
            error = {"message": step.message, "type": "server_error", "code": step.code or str(step.status)}
            return JSONResponse({"error": error}, step.status)
        if body.get("stream"):
            return StreamingResponse(_chunks(body, step, scripted), media_type="text/event-stream")
        answer = {
            "id": "chatcmpl-scripted",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": body.get("model", "scripted"),
            "choices": [
                {
                    "index": 0,
                    "message": _message(step, scripted),
                    "finish_reason": _finish_reason(step) or None,
                }
            ],
            "usage": _usage(body, step),
        }
        return JSONResponse(answer)

    async def embeddings(request: Request) -> Response:
        body = orjson.loads(await request.body())
        texts: list[str] = [body["input"]] if isinstance(body["input"], str) else body["input"]
        data = [
            {"object": "embedding", "index": index, "embedding": _encoded(embedding_of(text), body)}
            for index, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": sum(map(len, texts)) // 4, "total_tokens": sum(map(len, texts)) // 4}
        return JSONResponse({"object": "list", "model": "scripted-embedding", "data": data, "usage": usage})

    async def script(request: Request) -> Response:
        scripted.steps = Script.model_validate_json(await request.body()).steps
        scripted.go.clear()
        return JSONResponse({"steps": len(scripted.steps)})

    async def go(_: Request) -> Response:
        scripted.go.set()
        return JSONResponse({})

    async def requests(request: Request) -> Response:
        if request.method == "DELETE":
            scripted.requests.clear()
        return JSONResponse({"requests": list(scripted.requests)})

    async def models(_: Request) -> Response:
        return JSONResponse(
            {"object": "list", "data": [{"id": "scripted", "object": "model", "owned_by": scripted.owner}]}
        )

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            Route("/v1/chat/completions", completions, methods=["POST"]),
            Route("/v1/embeddings", embeddings, methods=["POST"]),
            Route("/v1/models", models),
            Route("/script", script, methods=["POST"]),
            Route("/go", go, methods=["POST"]),
            Route("/requests", requests, methods=["GET", "DELETE"]),
            Route("/healthz", healthz),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="An OpenAI-protocol server that answers from a script.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    import uvicorn

    uvicorn.run(build_app(), host=options.host, port=options.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
