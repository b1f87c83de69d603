"""A supervisor on the in-memory sidecar, with scripted specialists that are real ASGI apps."""

import asyncio
import inspect
import re
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse, StreamingResponse

from services.supervisor.api.application import create_app
from services.supervisor.bootstrap import Supervisor, build
from services.supervisor.settings import Settings
from switchboard.contracts.cards import AgentCard, AgentRegistration, Skill
from switchboard.contracts.events import AgentStarted, MessageDelta, TurnCompleted, TurnEvent, TurnFailed, Usage
from switchboard.contracts.turns import TurnRequest
from switchboard.models.embedder import DIMENSIONS, Vectors
from switchboard.sidecar.inmemory import InMemorySidecar
from switchboard.sidecar.registry import AgentRegistry

ADA = {"Authorization": "Bearer demo-aurora-ada"}
BEN = {"Authorization": "Bearer demo-aurora-ben"}
CLEO = {"Authorization": "Bearer demo-borealis-cleo"}

WAIT_S_MAX = 20
"""A test that waits longer has failed."""
EXAMPLES = {
    "billing": ["Why is my invoice higher?", "I was charged twice", "Show my last invoice"],
    "tech": ["My router blinks red", "My broadband is slow", "Open a ticket"],
    "product": ["Compare two phones", "Which tablet has the biggest battery?"],
}


class WordEmbedder:
    """Stands in for MiniLM: texts that share words are alike."""

    model_id = "words"

    async def embed(self, texts: Sequence[str]) -> Vectors:
        rows = np.full((len(texts), DIMENSIONS), 1e-6, dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in re.findall(r"[a-z]{4,}", text.lower()):
                row[zlib.crc32(word.encode()) % DIMENSIONS] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def card(agent_id: str) -> AgentCard:
    return AgentCard(
        id=agent_id,
        name=agent_id.capitalize(),
        version="1",
        description=f"{agent_id} questions",
        owner="tests",
        skills=[Skill(id="all", description=f"{agent_id} matters", examples=EXAMPLES.get(agent_id, [agent_id]))],
        instructions="",
    )


Script = Callable[[TurnRequest], AsyncIterator[TurnEvent]]


@dataclass
class Specialist:
    """A scripted specialist; `script` may be replaced, `requests` keeps what it was asked."""

    agent: str
    requests: list[TurnRequest] = field(default_factory=list)
    script: Script | None = None
    refusal: tuple[int, dict[str, object]] | None = None
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event | None = None
    """When set, it speaks only after this is."""
    usage: Usage = field(
        default_factory=lambda: Usage(prompt_tokens=10, completion_tokens=5, model_calls=1, cost_picousd=1_000_000_000)
    )

    async def say(self, request: TurnRequest) -> AsyncIterator[TurnEvent]:
        yield AgentStarted(agent=self.agent, name=self.agent.capitalize())
        if self.gate is not None:
            await self.gate.wait()
        words = f"{self.agent} about: {request.message}"
        for word in re.findall(r"\S+\s*", words):
            yield MessageDelta(agent=self.agent, text=word)
        yield TurnCompleted(text=words, agents=[self.agent], usage=self.usage)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/agent/turns")
        async def turns(request: TurnRequest):
            self.requests.append(request)
            self.asked.set()
            if self.refusal is not None:
                return JSONResponse(self.refusal[1], self.refusal[0])

            async def frames():
                async for event in (self.script or self.say)(request):
                    yield f"event: {event.type}\ndata: {event.model_dump_json()}\n\n"

            return StreamingResponse(frames(), media_type="text/event-stream")

        @app.post("/agent/sources")
        async def sources(body: dict[str, str]):
            return {"uri": body["uri"], "text": f"the document for {body['tenant']}"}

        return app


@dataclass
class System:
    supervisor: Supervisor
    sidecar: InMemorySidecar
    app: FastAPI
    api: httpx.AsyncClient
    specialists: dict[str, Specialist]

    async def add(self, agent: str) -> Specialist:
        specialist = Specialist(agent)
        self.specialists[agent] = specialist
        await self.sidecar.attach(f"{agent}-app", specialist.app())
        registration = AgentRegistration(card=card(agent), app_id=f"{agent}-app", instance="1")
        await AgentRegistry(self.sidecar.state, self.sidecar.pubsub, registration).beat()
        await self.supervisor.directory.refresh()
        return specialist

    async def ask(self, message: str, *, headers: dict[str, str] | None = None, **body: object) -> httpx.Response:
        return await self.api.post("/v1/chat", json={"message": message, **body}, headers=ADA | (headers or {}))


@asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[System]:
    """A supervisor with its specialists, opened; `settings` over those that every test has."""
    sidecar = InMemorySidecar()
    supervisor = build(
        Settings(
            **{
                "dapr_http_port": 9,
                "turn_s_max": 5,
                "console_url": "http://console.test",
                "evaluation_share": 0,
                **settings,
            }
        ),
        sidecar,
        WordEmbedder(),
    )
    app = create_app(supervisor)
    gateway = FastAPI()
    gateway.get("/healthz")(lambda: {"status": "ok"})
    await sidecar.attach("gateway", gateway)
    await supervisor.open()
    await sidecar.attach("supervisor", app)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://supervisor.test") as api:
        made = System(supervisor, sidecar, app, api, {})
        for agent in EXAMPLES:
            await made.add(agent)
        yield made
    await supervisor.close()


@pytest.fixture
async def system() -> AsyncIterator[System]:
    async with running() as made:
        yield made


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Returns when it is so: for what happens in the background, and is told to no one."""
    async with asyncio.timeout(WAIT_S_MAX):
        while True:
            found = condition()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(0.002)


def failing(code: str, message: str) -> Script:
    async def script(request: TurnRequest) -> AsyncIterator[TurnEvent]:
        yield TurnFailed(code=code, message=message)

    return script
