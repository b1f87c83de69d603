"""One agent alone, for its team's tests: a scripted model, an in-memory sidecar, real HTTP in between.

async with AgentProbe(agent, data_dir=tmp_path) as probe:
    probe.script({"tool_calls": [{"name": "track_parcel", "arguments": {}}]}, {"text": "Tomorrow."})
    answer = await probe.ask("Where is my parcel?", tenant="aurora", user="C-10001")
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx
from fastapi import FastAPI

from switchboard.agent import Agent, AgentSettings
from switchboard.contracts import sse
from switchboard.contracts.events import (
    Citation,
    MessageDelta,
    ToolCalled,
    TurnCompleted,
    TurnEvent,
    TurnFailed,
    turn_event_adapter,
)
from switchboard.contracts.turns import HistoryMessage, Principal, TurnRequest
from switchboard.sidecar.inmemory import InMemorySidecar
from switchboard.testing.loopback import served
from switchboard.testing.scripted_model import ScriptedModel, Step, build_app

READY_S = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A turn's events, and what tests ask of them most."""

    events: list[TurnEvent]

    @property
    def text(self) -> str:
        """What was streamed."""
        return "".join(event.text for event in self.events if isinstance(event, MessageDelta))

    @property
    def tools(self) -> list[str]:
        return [event.name for event in self.events if isinstance(event, ToolCalled)]

    @property
    def citations(self) -> list[Citation]:
        return self.completed.citations

    @property
    def completed(self) -> TurnCompleted:
        last = self.events[-1]
        assert isinstance(last, TurnCompleted), last
        return last

    @property
    def failed(self) -> TurnFailed:
        last = self.events[-1]
        assert isinstance(last, TurnFailed), last
        return last


class AgentProbe:
    """Runs an agent's app in this process; use it with `async with`."""

    def __init__(
        self,
        agent: Agent,
        *,
        data_dir: Path,
        sidecar: InMemorySidecar | None = None,
        today: date | None = None,
        model_url: str | None = None,
    ) -> None:
        """`today` is the day that it is for the agent; None is the real one. `model_url` is that of another model's server
        than the scripted one."""
        self.agent = agent
        self.model = ScriptedModel()
        self.sidecar = sidecar or InMemorySidecar()
        self._data_dir = data_dir
        self._today = today
        self._model_url = model_url
        self._exit = AsyncExitStack()
        self._turns = 0
        self.app: FastAPI
        self.client: httpx.AsyncClient

    async def __aenter__(self) -> Self:
        model = self._model_url or await self._exit.enter_async_context(served(build_app(self.model)))
        settings = AgentSettings(model_url=f"{model}/v1", data_dir=self._data_dir, demo_today=self._today)
        self.app = self.agent.app(settings, self.sidecar)
        await self._exit.enter_async_context(self.app.router.lifespan_context(self.app))
        await self.sidecar.attach(self.agent.card.id, self.app)
        transport = httpx.ASGITransport(self.app)
        self.client = await self._exit.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://agent")
        )
        async with asyncio.timeout(READY_S):
            while (await self.client.get("/readyz")).status_code != 200:  # noqa: ASYNC110 - polled as an orchestrator does
                await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self._exit.aclose()

    def script(self, *steps: Mapping[str, Any]) -> None:
        """What the model answers next, in order: see `switchboard.testing.scripted_model`."""
        self.model.steps = [Step.model_validate(step) for step in steps]

    def read_by_model(self, call: int = -1) -> str:
        """The messages of a model call, the last one by default, as one text."""
        return "\n".join(str(message.get("content")) for message in self.model.requests[call]["body"]["messages"])

    def request(
        self,
        message: str,
        *,
        tenant: str = "aurora",
        user: str = "C-10001",
        turn_id: str | None = None,
        history: Sequence[HistoryMessage] = (),
        seconds: float = 30.0,
    ) -> TurnRequest:
        self._turns += 1
        return TurnRequest(
            turn_id=turn_id or f"probe.{self._turns}",
            conversation_id="probe",
            principal=Principal(tenant=tenant, user=user),
            message=message,
            history=list(history),
            deadline=datetime.now(UTC) + timedelta(seconds=seconds),
        )

    async def ask(self, message: str, **options: Any) -> Answer:
        """One turn over HTTP; options as of `request`."""
        return await self.send(self.request(message, **options))

    async def send(self, request: TurnRequest) -> Answer:
        events: list[TurnEvent] = []
        async with self.client.stream("POST", "/agent/turns", json=request.model_dump(mode="json")) as response:
            response.raise_for_status()
            parser = sse.Parser()
            async for read in response.aiter_bytes():
                events += [turn_event_adapter.validate_json(event.data) for event in parser.feed(read)]
        return Answer(events)
