"""The page, what it needs to start, and the traces that it shows."""

import asyncio
from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse

from services.console.api.requests import STATIC, Caller, Wired
from services.console.bootstrap import Console
from services.console.traces import TracesView, TraceView, trace_view, visible
from switchboard.contracts.errors import NotFound
from switchboard.contracts.turns import Principal
from switchboard.telemetry.spans import GroupColumn, Span

router = APIRouter()


@router.get("/", include_in_schema=False)
async def page() -> FileResponse:
    return FileResponse(STATIC / "index.html", media_type="text/html; charset=utf-8")


@router.get("/config.json")
async def config(console: Wired) -> dict[str, Any]:
    """What the page needs to start: where the API is, and the demo's keys."""
    return {"api_url": console.settings.api_url.rstrip("/"), "keys": console.demo_keys}


@router.get("/api/traces/{trace_id}")
async def trace(console: Wired, trace_id: str, caller: Caller) -> TraceView:
    """One trace. Another tenant's looks like none."""
    spans = visible(await asyncio.to_thread(console.store.trace, trace_id), caller)
    if not spans:
        raise NotFound("There is no such trace (its spans may still be on their way).")
    return trace_view(spans)


@router.get("/api/conversations/{conversation_id}/trace")
async def conversation_traces(console: Wired, conversation_id: str, caller: Caller) -> TracesView:
    """The traces of a conversation's turns, the oldest first."""
    return await _traces_of(console, "conversation_id", conversation_id, caller)


@router.get("/api/turns/{turn_id}/trace")
async def turn_traces(console: Wired, turn_id: str, caller: Caller) -> TracesView:
    """The traces of one turn: one, and more where it was dispatched again."""
    return await _traces_of(console, "turn_id", turn_id, caller)


@router.get("/readyz", include_in_schema=False)
async def readyz(console: Wired) -> dict[str, Any]:
    """Ready when the store answers; the page needs nothing else of ours."""
    spans = await asyncio.to_thread(console.store.count)
    return {"status": "ready", "checks": {"span_store": True}, "spans": spans}


async def _traces_of(console: Console, column: GroupColumn, value: str, caller: Principal) -> TracesView:
    traces = await asyncio.to_thread(console.store.traces_of, column, value)
    shown: list[list[Span]] = [spans for spans in (visible(one, caller) for one in traces) if spans]
    if not shown:
        raise NotFound("There is no trace of that (its spans may still be on their way).")
    return TracesView(traces=[trace_view(spans) for spans in shown])
