"""Puts the public API together: its layers, its lifespan, its events from the broker, its routes."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.types import Scope

from services.supervisor.api.documentation import DESCRIPTION
from services.supervisor.api.edge import Edge
from services.supervisor.api.routes import agents, chat, conversations, feedback, health, jobs, memory
from services.supervisor.bootstrap import Supervisor
from switchboard.contracts import headers, paths, topics
from switchboard.contracts.app_token import is_from_sidecar
from switchboard.contracts.cards import AgentRegistration
from switchboard.contracts.turns import TurnRequest, TurnResult
from switchboard.serving.service import create_service
from switchboard.serving.termination import on_termination
from switchboard.sidecar.subscriptions import subscribe
from switchboard.telemetry import setup

BODY_BYTES_MAX = 64 * 1024
"""Of a request of a user."""
DAPR_API_TOKEN = headers.DAPR_API_TOKEN.encode()
ROUTERS = (chat, jobs, conversations, memory, agents, feedback, health)


def create_app(supervisor: Supervisor) -> FastAPI:
    """The ASGI app of a supervisor; its lifespan opens and closes it."""
    settings = supervisor.settings
    telemetry = setup(
        "supervisor",
        endpoint=settings.otlp_endpoint,
        connection_string=settings.applicationinsights_connection_string,
    )
    app = create_service(
        lambda: _opened(supervisor),
        telemetry,
        is_ours=lambda scope: is_delivered(scope, settings.app_api_token),
        body_bytes_max=BODY_BYTES_MAX,
        title="Switchboard",
        version="0.1.0",
        description=DESCRIPTION,
        redoc_url=None,
    )
    app.state.supervisor = supervisor
    app.add_middleware(Edge)
    if settings.console_url:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=[settings.console_url.rstrip("/")],
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=[
                *("authorization", "content-type", "traceparent"),
                *(headers.IDEMPOTENCY_KEY, headers.LAST_EVENT_ID),
            ],
            expose_headers=[headers.TRACE_ID, headers.RETRY_AFTER, headers.IDEMPOTENCY_KEY, "location"],
        )
    _subscribe(app, supervisor)
    for each in ROUTERS:
        app.include_router(each.router)
    return app


@asynccontextmanager
async def _opened(supervisor: Supervisor) -> AsyncGenerator[None]:
    await supervisor.open()
    with on_termination(supervisor.drain):
        yield
    await supervisor.close()


def is_delivered(scope: Scope, token: str | None) -> bool:
    """Whether a request is an event that our sidecar delivers: it goes on in the trace that published it."""
    if not scope["path"].startswith(f"/{paths.EVENTS}"):
        return False
    sent = next((value for name, value in scope["headers"] if name == DAPR_API_TOKEN), b"")
    return is_from_sidecar(sent.decode("latin-1"), token)


def _subscribe(app: FastAPI, supervisor: Supervisor) -> None:
    token = supervisor.settings.app_api_token
    subscribe(app, topics.RESULTS, supervisor.jobs.take_result, model=TurnResult, app_token=token)
    subscribe(app, topics.DEAD, supervisor.jobs.take_dead, model=TurnRequest, dead_letter_topic=None, app_token=token)
    subscribe(
        app,
        topics.REGISTRY,
        supervisor.registry_changed,
        model=AgentRegistration,
        dead_letter_topic=None,
        app_token=token,
    )
