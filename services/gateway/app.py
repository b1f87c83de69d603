"""The model gateway's routes: OpenAI's chat completions, embeddings and models, in and out."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson
from fastapi import FastAPI, Request
from starlette.responses import Response

from services.gateway import admin
from services.gateway.answers import EventStream, whole
from services.gateway.bootstrap import Gateway, build
from services.gateway.calls import Calls
from services.gateway.errors import response_of
from services.gateway.ports import Operation
from services.gateway.settings import settings
from switchboard import telemetry
from switchboard.contracts.errors import InvalidRequest, SwitchboardError, TooLarge

logger = logging.getLogger(__name__)

BODY_BYTES_MAX = 1024 * 1024


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    gateway = build(settings())
    await gateway.open()
    app.state.gateway, app.state.calls = gateway, Calls(gateway)
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError, RuntimeError, ValueError):  # not in a thread, not on every system
        loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(gateway.in_force.reload()))
    try:
        yield
    finally:
        await gateway.close()
        tracing.shutdown()


tracing = telemetry.setup("gateway", endpoint=settings().otlp_endpoint, connection_string=settings().azure_monitor)
app = FastAPI(title="Switchboard model gateway", version="1", lifespan=lifespan)
app.include_router(admin.router)
tracing.instrument(app)


@app.exception_handler(SwitchboardError)
async def refused(request: Request, error: SwitchboardError) -> Response:
    del request
    return response_of(error)


@app.exception_handler(Exception)
async def crashed(request: Request, error: Exception) -> Response:
    del request, error  # uvicorn logs it; nobody outside sees it
    return response_of(SwitchboardError())


@app.post("/v1/chat/completions")
async def chat_completions(request: Request) -> Response:
    """OpenAI's chat completions; `model` is an alias of `gateway.yaml`. `stream: true` answers Server-Sent Events."""
    return await _answer(request, "chat")


@app.post("/v1/embeddings")
async def embeddings(request: Request) -> Response:
    """OpenAI's embeddings, as floats or base64."""
    return await _answer(request, "embeddings")


@app.get("/v1/models")
async def models(request: Request) -> Response:
    """Aliases and models that may be asked for."""
    gateway: Gateway = request.app.state.gateway
    names = gateway.in_force.now.router.names()
    data = [{"id": name, "object": "model", "created": 0, "owned_by": provider} for name, provider in names]
    return _json({"object": "list", "data": data})


@app.get("/v1/models/{name}")
async def model(request: Request, name: str) -> Response:
    target = request.app.state.gateway.in_force.now.router.target(name)
    return _json({"id": name, "object": "model", "created": 0, "owned_by": target.provider})


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/readyz")
async def readyz(request: Request) -> dict[str, Any]:
    """Ready when the models are loaded; providers outside are not called for this."""
    return {"status": "ready", "providers": sorted(request.app.state.gateway.in_force.now.providers)}


async def _answer(request: Request, operation: Operation) -> Response:
    content = await _content(request)
    body = _checked(content, operation)
    calls: Calls = request.app.state.calls
    call = calls.call_of(operation, body, request.headers, len(content))
    if call.stream and operation == "chat":
        return EventStream(calls, call)
    return whole(await calls.answer(call))


def _checked(content: bytes, operation: Operation) -> dict[str, Any]:
    """The request's JSON object. Raises `InvalidRequest`."""
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest("The request's body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise InvalidRequest("The request's body must be a JSON object.")
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise InvalidRequest("'model' must name an alias or a model.")
    if operation == "chat" and (not isinstance(body.get("messages"), list) or not body["messages"]):
        raise InvalidRequest("'messages' must be a list with at least one message.")
    if operation == "embeddings" and not body.get("input"):
        raise InvalidRequest("'input' must be a text or a list of texts, none of them empty.")
    return body


async def _content(request: Request) -> bytes:
    """The request's body, at most 1 MiB of it."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > BODY_BYTES_MAX:
            raise TooLarge("The request is larger than 1 MiB.")
    return bytes(content)


def _json(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
