"""The model gateway's routes: OpenAI's chat completions, embeddings and models, in and out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from fastapi import FastAPI, Request
from starlette.responses import Response, StreamingResponse

from services.gateway.bootstrap import Gateway, build
from services.gateway.calls import Calls
from services.gateway.errors import response_of
from services.gateway.settings import settings
from switchboard import telemetry
from switchboard.contracts.errors import InvalidRequest, SwitchboardError, TooLarge

BODY_BYTES_MAX = 1024 * 1024


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    gateway = build(settings())
    await gateway.open()
    app.state.gateway, app.state.calls = gateway, Calls(gateway)
    try:
        yield
    finally:
        await gateway.close()
        tracing.shutdown()


tracing = telemetry.setup("gateway", endpoint=settings().otlp_endpoint, connection_string=settings().azure_monitor)
app = FastAPI(title="Switchboard model gateway", version="1", lifespan=lifespan)
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
    body = await _body(request)
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        raise InvalidRequest("'messages' must be a list with at least one message.")
    calls: Calls = request.app.state.calls
    if body.get("stream"):
        events = await calls.stream(body)
        return StreamingResponse(events, media_type="text/event-stream", headers={"cache-control": "no-cache"})
    return _json(await calls.chat(body))


@app.post("/v1/embeddings")
async def embeddings(request: Request) -> Response:
    """OpenAI's embeddings, as floats or base64."""
    body = await _body(request)
    if not body.get("input"):
        raise InvalidRequest("'input' must be a text or a list of texts, none of them empty.")
    return _json(await request.app.state.calls.embed(body))


@app.get("/v1/models")
async def models(request: Request) -> Response:
    """Aliases and models that may be asked for."""
    gateway: Gateway = request.app.state.gateway
    data = [
        {"id": name, "object": "model", "created": 0, "owned_by": provider} for name, provider in gateway.router.names()
    ]
    return _json({"object": "list", "data": data})


@app.get("/v1/models/{name}")
async def model(request: Request, name: str) -> Response:
    target = request.app.state.gateway.router.target(name)
    return _json({"id": name, "object": "model", "created": 0, "owned_by": target.provider})


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/readyz")
async def readyz(request: Request) -> dict[str, Any]:
    """Ready when the models are loaded; providers outside are not called for this."""
    return {"status": "ready", "providers": sorted(request.app.state.gateway.providers)}


async def _body(request: Request) -> dict[str, Any]:
    """The request's JSON object, at most 1 MiB of it."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > BODY_BYTES_MAX:
            raise TooLarge("The request is larger than 1 MiB.")
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest("The request's body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise InvalidRequest("The request's body must be a JSON object.")
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise InvalidRequest("'model' must name an alias or a model.")
    return body


def _json(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
