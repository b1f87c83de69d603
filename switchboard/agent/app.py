"""Routes of a specialist, and its subscription."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Query, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from switchboard.agent.bootstrap import Specialist, ToolsFactory
from switchboard.agent.turn import TurnRunner
from switchboard.contracts import paths, sse, topics
from switchboard.contracts.app_token import is_from_sidecar
from switchboard.contracts.cards import AgentCard
from switchboard.contracts.errors import (
    NotFound,
    Unauthenticated,
    Unavailable,
)
from switchboard.contracts.events import TurnEvent
from switchboard.contracts.turns import TurnRequest
from switchboard.serving.service import create_service
from switchboard.sidecar.subscriptions import subscribe
from switchboard.telemetry import Telemetry

URI_CHARACTERS_MAX = 1_000
PING_S = 3.0
"""Of silence, after which a comment says that this process lives; who asked counts it as dead after ten seconds."""
TENANT_CHARACTERS_MAX = 64
A2A_VERSION = "0.3.0"
A2A_TEXT = ["text/plain"]


class SourceRequest(BaseModel):
    """Which passage, and for which tenant: an article that the tenant may not read is not found."""

    uri: str = Field(max_length=URI_CHARACTERS_MAX)
    tenant: str = Field(min_length=1, max_length=TENANT_CHARACTERS_MAX)


class SourceText(BaseModel):
    """A whole article and the passage of it that was cited; offsets in characters."""

    uri: str
    title: str
    text: str
    """The whole document as Markdown; `text[start:end]` is the passage."""
    start: int
    end: int
    version: str = ""
    """The revision that was cited."""


def create_app(specialist: Specialist, factory: ToolsFactory | None, telemetry: Telemetry) -> FastAPI:
    """The app of one specialist; opening and closing it is the app's lifespan."""

    @asynccontextmanager
    async def opened() -> AsyncGenerator[None]:
        try:
            await specialist.open(factory)
            yield
        finally:
            await specialist.close()

    card = specialist.card
    app = create_service(opened, telemetry, title=card.name, version=card.version, description=card.description)

    async def sidecar_only(dapr_api_token: Annotated[str, Header()] = "") -> None:
        """A request says itself whose it is, so it must come through the sidecar, which lets in only our own apps."""
        if not is_from_sidecar(dapr_api_token, specialist.settings.app_api_token):
            raise Unauthenticated("This agent is asked through its sidecar only.")

    from_sidecar = [Depends(sidecar_only)]

    @app.post(f"/{paths.AGENT_TURNS}", dependencies=from_sidecar)
    async def turns(turn: TurnRequest) -> StreamingResponse:
        """Answers one turn as a stream of TurnEvents."""
        batches = _runner(specialist).batches(turn)
        return StreamingResponse(_frames(turn.turn_id, batches), media_type=sse.MEDIA_TYPE, headers=sse.HEADERS)

    @app.post(f"/{paths.AGENT_SOURCES}", dependencies=from_sidecar)
    async def source(wanted: SourceRequest) -> SourceText:
        """The article behind a citation."""
        return _source(specialist, wanted)

    @app.get(f"/{paths.AGENT_SOURCES}", dependencies=from_sidecar)
    async def source_by_uri(wanted: Annotated[SourceRequest, Query()]) -> SourceText:
        """The article behind a citation."""
        return _source(specialist, wanted)

    @app.get("/.well-known/agent-card.json")
    async def agent_card(request: Request) -> dict[str, Any]:
        """The card for other frameworks."""
        return a2a_card(card, str(request.base_url).rstrip("/") + f"/{paths.AGENT_TURNS}")

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        checks = await specialist.checks()
        ready = all(checks.values())
        return JSONResponse({"ready": ready, "checks": checks}, 200 if ready else 503)

    async def answer(turn: TurnRequest) -> None:
        await answer_turn(specialist, turn)

    subscribe(app, topics.turns_of(card.id), answer, model=TurnRequest, app_token=specialist.settings.app_api_token)
    return app


def a2a_card(card: AgentCard, url: str) -> dict[str, Any]:
    """The card of an agent that answers at `url` as an A2A agent card (https://a2a-protocol.org, 0.3).

    What the model is told (instructions, limits) is not in it.
    """
    return {
        "protocolVersion": A2A_VERSION,
        "name": card.name,
        "description": card.description.strip(),
        "version": card.version,
        "url": url,
        "provider": {"organization": card.owner, "url": url},
        "capabilities": {"streaming": True, "pushNotifications": False},
        "defaultInputModes": A2A_TEXT,
        "defaultOutputModes": A2A_TEXT,
        "skills": [
            {
                "id": skill.id,
                "name": skill.id.replace("-", " ").capitalize(),
                "description": skill.description,
                "tags": [card.id],
                "examples": skill.examples,
            }
            for skill in card.skills
        ],
    }


async def answer_turn(specialist: Specialist, turn: TurnRequest) -> None:
    """The asynchronous path: the same turn, its result published. A redelivery publishes the same effects again.

    Raises `Unavailable`, so that the event is delivered again, while there is still time for another attempt.
    """
    result = await _runner(specialist).result(turn)
    if result.code == Unavailable.code and turn.deadline.astimezone(UTC) > datetime.now(UTC):
        raise Unavailable(result.message)
    await specialist.sidecar.pubsub.publish(topics.RESULTS, result.model_dump(mode="json"))


def frame(event: TurnEvent, turn_id: str, seq: int) -> bytes:
    """The event as it goes all the way to the client: encoded here, once."""
    return sse.encode(event.model_dump_json().encode(), event=event.type.encode(), id=f"{turn_id}:{seq}".encode())


async def _frames(turn_id: str, batches: AsyncGenerator[list[TurnEvent], None]) -> AsyncGenerator[bytes, None]:
    """Comments in between say that this process is there: it may be silent for long, but never for `PING_S`."""
    seq = 0
    async with aclosing(batches):
        next_batch = asyncio.create_task(_next(batches))
        try:
            while True:
                done, _ = await asyncio.wait({next_batch}, timeout=PING_S)
                if not done:
                    yield sse.PING
                    continue
                batch = next_batch.result()
                if batch is None:
                    return
                next_batch = asyncio.create_task(_next(batches))
                yield b"".join(frame(event, turn_id, seq + number) for number, event in enumerate(batch, 1))
                seq += len(batch)
        finally:
            next_batch.cancel()
            await asyncio.gather(next_batch, return_exceptions=True)


async def _next(batches: AsyncGenerator[list[TurnEvent], None]) -> list[TurnEvent] | None:
    return await anext(batches, None)


def _runner(specialist: Specialist) -> TurnRunner:
    if specialist.runner is None:
        raise Unavailable
    return specialist.runner


def _source(specialist: Specialist, wanted: SourceRequest) -> SourceText:
    if specialist.knowledge is None:
        raise NotFound("There is no such source.")
    found = specialist.knowledge.source(wanted.uri, tenant=wanted.tenant)
    return SourceText(
        uri=found.uri, title=found.title, text=found.text, start=found.start, end=found.end, version=found.version
    )
