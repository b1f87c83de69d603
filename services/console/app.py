"""The console: the web chat, the receiver of every process's spans, and the traces made of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from services.console import otlp
from services.console.bootstrap import Console, open_console
from services.console.settings import ConsoleSettings
from services.console.traces import TracesView, TraceView, trace_view, visible
from switchboard.contracts.errors import LimitExceeded, NotFound, SwitchboardError, TooLarge
from switchboard.contracts.turns import Principal
from switchboard.serving import problems
from switchboard.telemetry.spans import GroupColumn, Span

STATIC = Path(__file__).parent / "static"
EXPORTS_AT_ONCE_MAX = 16
router = APIRouter()


def create_app(settings: ConsoleSettings) -> FastAPI:
    """The ASGI app; opens its store in the lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        console = await asyncio.to_thread(open_console, settings)
        app.state.console = console
        app.state.exports = asyncio.Semaphore(EXPORTS_AT_ONCE_MAX)
        try:
            yield
        finally:
            console.store.close()

    app = FastAPI(title="Switchboard console", lifespan=lifespan)
    problems.install(app)
    app.middleware("http")(_secure(settings.api_url))
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def the_console(request: Request) -> Console:
    return cast(Console, request.app.state.console)


def caller(request: Request, authorization: Annotated[str | None, Header()] = None) -> Principal:
    """Who asks. Raises `Unauthenticated`."""
    return the_console(request).keys.authenticate(authorization)


@router.get("/", include_in_schema=False)
async def page() -> FileResponse:
    return FileResponse(STATIC / "index.html", media_type="text/html; charset=utf-8")


@router.get("/config.json")
async def config(request: Request) -> dict[str, Any]:
    """What the page needs to start: where the API is, and the demo's keys."""
    console = the_console(request)
    return {"api_url": console.settings.api_url.rstrip("/"), "keys": console.demo_keys}


@router.get("/api/traces/{trace_id}")
async def trace(request: Request, trace_id: str, principal: Annotated[Principal, Depends(caller)]) -> TraceView:
    """One trace. Another tenant's looks like none."""
    spans = visible(await asyncio.to_thread(the_console(request).store.trace, trace_id), principal)
    if not spans:
        raise NotFound("There is no such trace (its spans may still be on their way).")
    return trace_view(spans)


@router.get("/api/conversations/{conversation_id}/trace")
async def conversation_traces(
    request: Request, conversation_id: str, principal: Annotated[Principal, Depends(caller)]
) -> TracesView:
    return await _traces_of(request, "conversation_id", conversation_id, principal)


@router.get("/api/turns/{turn_id}/trace")
async def turn_traces(request: Request, turn_id: str, principal: Annotated[Principal, Depends(caller)]) -> TracesView:
    return await _traces_of(request, "turn_id", turn_id, principal)


async def _traces_of(request: Request, column: GroupColumn, value: str, principal: Principal) -> TracesView:
    traces = await asyncio.to_thread(the_console(request).store.traces_of, column, value)
    shown: list[list[Span]] = [spans for spans in (visible(one, principal) for one in traces) if spans]
    if not shown:
        raise NotFound("There is no trace of that (its spans may still be on their way).")
    return TracesView(traces=[trace_view(spans) for spans in shown])


@router.post("/v1/traces", include_in_schema=False)
async def receive(request: Request) -> Response:
    """OTLP/HTTP trace receiver, protobuf and JSON, gzip or not."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    answer_type = otlp.JSON if content_type == otlp.JSON else otlp.PROTOBUF
    if content_type not in (otlp.JSON, otlp.PROTOBUF):
        return Response(status_code=415)
    slots = cast(asyncio.Semaphore, request.app.state.exports)
    try:
        if slots.locked():
            raise LimitExceeded(retry_after_s=1)
        async with slots:
            body = await _body(request)
            encoding = request.headers.get("content-encoding", "").lower()
            rejected = await asyncio.to_thread(_store, the_console(request), body, content_type, encoding)
    except SwitchboardError as error:
        headers = {"retry-after": str(error.retry_after_s)} if error.retry_after_s else None
        return Response(otlp.failure(error.message, answer_type), error.status, headers, answer_type)
    return Response(otlp.success(rejected, answer_type), media_type=answer_type)


@router.get("/healthz", include_in_schema=False)
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", include_in_schema=False)
async def readyz(request: Request) -> dict[str, Any]:
    """Ready when the store answers; the page needs nothing else of ours."""
    spans = await asyncio.to_thread(the_console(request).store.count)
    return {"status": "ready", "checks": {"span_store": True}, "spans": spans}


def _store(console: Console, body: bytes, content_type: str, encoding: str) -> int:
    export = otlp.decode(body, content_type=content_type, encoding=encoding)
    console.store.insert(export.spans)
    return export.rejected


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > otlp.BODY_BYTES_MAX:
            raise TooLarge("The export is too large.")
    return bytes(body)


def _secure(api_url: str) -> Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]]:
    policy = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' {api_url}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )

    async def add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        if not request.url.path.startswith(("/docs", "/openapi")):
            response.headers["content-security-policy"] = policy
        response.headers["x-content-type-options"] = "nosniff"
        response.headers["referrer-policy"] = "no-referrer"
        response.headers["cache-control"] = "no-cache"  # the page's files are few and revalidated by ETag
        return response

    return add_headers


app = create_app(ConsoleSettings())
