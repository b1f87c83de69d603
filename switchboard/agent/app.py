"""Routes of a specialist."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse

from switchboard.agent.bootstrap import Specialist
from switchboard.contracts.errors import SwitchboardError, Unavailable, problem_of
from switchboard.contracts.events import TurnEvent
from switchboard.contracts.turns import TurnRequest
from switchboard.telemetry import current_trace_id

SSE_HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


def build_app(specialist: Specialist, opening, telemetry=None) -> FastAPI:
    """The app of one specialist; `opening` is its lifespan's start."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await opening()
        yield
        await specialist.close()

    app = FastAPI(title=specialist.card.name, version=specialist.card.version, lifespan=lifespan)

    @app.exception_handler(SwitchboardError)
    async def problem(_: Request, error: SwitchboardError) -> JSONResponse:
        headers = {"retry-after": str(error.retry_after_s)} if error.retry_after_s is not None else None
        body = problem_of(error, current_trace_id()).model_dump()
        return JSONResponse(body, error.status, headers, media_type="application/problem+json")

    @app.post("/agent/turns")
    async def turns(turn: TurnRequest) -> StreamingResponse:
        """Answers one turn as a stream of TurnEvents."""
        if specialist.runner is None:
            raise Unavailable
        return StreamingResponse(
            _frames(turn.turn_id, specialist.runner.events(turn)), media_type="text/event-stream", headers=SSE_HEADERS
        )

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app


async def _frames(turn_id: str, events) -> AsyncIterator[bytes]:
    seq = 0
    async with aclosing(events):
        async for event in events:
            seq += 1
            yield frame(event, turn_id, seq)


def frame(event: TurnEvent, turn_id: str, seq: int) -> bytes:
    """One SSE frame. JSON has no raw line ends, so one `data:` line carries it."""
    return f"event: {event.type}\nid: {turn_id}:{seq}\ndata: {event.model_dump_json()}\n\n".encode()
