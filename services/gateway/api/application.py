"""Puts the gateway's API together: OpenAI's paths, the operators', probes; errors in OpenAI's shape."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI
from starlette.routing import Route

from services.gateway.admin import cost as admin_cost
from services.gateway.admin import routes as admin
from services.gateway.api import routes
from services.gateway.bootstrap import Gateway
from services.gateway.calls.answers.errors import response_of
from services.gateway.calls.callers import KnownCallers
from services.gateway.calls.endpoint import ModelEndpoint
from services.gateway.calls.life import Calls
from switchboard.contracts import paths
from switchboard.serving.service import create_service
from switchboard.telemetry import setup

CHAT, EMBEDDINGS = f"/{paths.CHAT_COMPLETIONS}", f"/{paths.EMBEDDINGS}"


def create_app(gateway: Gateway) -> FastAPI:
    """The ASGI app of a gateway; its lifespan opens and closes it."""
    settings = gateway.settings
    app = create_service(
        lambda: _opened(gateway),
        setup("gateway", endpoint=settings.otlp_endpoint, connection_string=settings.azure_monitor),
        error_response=response_of,
        untraced=(CHAT, EMBEDDINGS),  # their spans are their own
        unbounded=(CHAT, EMBEDDINGS),  # bounded where they are read
        title="Switchboard model gateway",
        version="1",
    )
    callers = KnownCallers(settings)
    app.state.gateway, app.state.calls, app.state.callers = gateway, Calls(gateway), callers
    # First, so that they are found first.
    app.router.routes.insert(0, Route(CHAT, ModelEndpoint("chat", callers), methods=["POST"]))
    app.router.routes.insert(1, Route(EMBEDDINGS, ModelEndpoint("embeddings", callers), methods=["POST"]))
    for each in (admin, admin_cost, routes):
        app.include_router(each.router)
    return app


@asynccontextmanager
async def _opened(gateway: Gateway) -> AsyncGenerator[None]:
    await gateway.open()
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError, RuntimeError, ValueError):  # not in a thread, not on every system
        loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(gateway.policies.reload()))
    try:
        yield
    finally:
        await gateway.close()
