"""The model gateway's routes: OpenAI's chat completions, embeddings and models, in and out."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson
from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.routing import Route

from services.gateway.admin import cost as admin_cost
from services.gateway.admin import routes as admin
from services.gateway.bootstrap import Gateway, build
from services.gateway.calls.answers.errors import response_of
from services.gateway.calls.endpoint import ModelEndpoint
from services.gateway.calls.life import Calls
from services.gateway.settings import settings
from switchboard import telemetry
from switchboard.contracts import paths
from switchboard.contracts.errors import SwitchboardError

CHAT, EMBEDDINGS, MODELS = (f"/{path}" for path in (paths.CHAT_COMPLETIONS, paths.EMBEDDINGS, paths.MODELS))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    gateway = build(settings())
    await gateway.open()
    app.state.gateway, app.state.calls = gateway, Calls(gateway)
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError, RuntimeError, ValueError):  # not in a thread, not on every system
        loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(gateway.policies.reload()))
    try:
        yield
    finally:
        await gateway.close()
        tracing.shutdown()


tracing = telemetry.setup("gateway", endpoint=settings().otlp_endpoint, connection_string=settings().azure_monitor)
app = FastAPI(title="Switchboard model gateway", version="1", lifespan=lifespan)
# First, so that they are found first; their spans are their own.
app.router.routes.append(Route(CHAT, ModelEndpoint("chat"), methods=["POST"]))
app.router.routes.append(Route(EMBEDDINGS, ModelEndpoint("embeddings"), methods=["POST"]))
app.include_router(admin.router)
app.include_router(admin_cost.router)
tracing.instrument(app, untraced=(CHAT, EMBEDDINGS))


@app.exception_handler(SwitchboardError)
async def refused(request: Request, error: SwitchboardError) -> Response:
    del request
    return response_of(error)


@app.exception_handler(Exception)
async def crashed(request: Request, error: Exception) -> Response:
    del request, error  # uvicorn logs it; nobody outside sees it
    return response_of(SwitchboardError())


@app.get(MODELS)
async def models(request: Request) -> Response:
    """Aliases and models that may be asked for."""
    gateway: Gateway = request.app.state.gateway
    names = gateway.policies.active.catalog.names()
    data = [{"id": name, "object": "model", "created": 0, "owned_by": provider} for name, provider in names]
    return _json({"object": "list", "data": data})


@app.get(f"{MODELS}/{{name}}")
async def model(request: Request, name: str) -> Response:
    target = request.app.state.gateway.policies.active.catalog.target(name)
    return _json({"id": name, "object": "model", "created": 0, "owned_by": target.provider})


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/readyz")
async def readyz(request: Request) -> dict[str, Any]:
    """Ready when the models are loaded; providers outside are not called for this."""
    return {"status": "ready", "providers": sorted(request.app.state.gateway.policies.active.providers)}


def _json(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
