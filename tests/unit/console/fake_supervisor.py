"""A supervisor that plays scripts: the page's tests use it for what a healthy system does not do on demand."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, StreamingResponse

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
ARTICLE = """# Red light on the router

Before you start, look at the light for ten seconds.

## What it means

A red light that **blinks** means that the router has power but no line. A steady red light means a fault in the router.

## What to do

1. Check the grey cable on both ends.
2. Switch the router off, wait 30 seconds, switch it on.
3. Wait five minutes.

If it still blinks after that, the line needs a test from our side.
"""
PASSAGE = "A red light that **blinks** means that the router has power but no line."
START = ARTICLE.index(PASSAGE)
URI = f"kb://tech/router-red-light#{START}-{START + len(PASSAGE)}"
CITATION = {"n": 1, "agent": "tech", "title": "Red light on the router", "uri": URI, "span": PASSAGE}
BILLING = "Your November invoice is **£54.20**, £12.00 more than October's. The difference:\n\n- Roaming in Spain, £8.50\n- Price change from 1 November, £3.50\n\nI also see that you paid £42.20 twice on 3 November. "
TECH = "The blinking red light means that your router has power but no line [1]. Check the grey cable on both ends, then switch the router off for 30 seconds. <img src=x onerror=alert(1)> Would you like me to open a ticket?"


def script(message: str) -> list[dict[str, Any]]:
    """The events for a message; `fail`, `slow`, `closest` and `cached` in it steer."""
    events: list[dict[str, Any]] = [
        {"type": "turn.started", "turn_id": "conv-1.1", "conversation_id": "conv-1", "trace_id": TRACE_ID},
        {"type": "route.decided", "agents": ["billing", "tech"], "scores": {"billing": 0.8}, "by": "classifier"},
        {"type": "agent.started", "agent": "billing", "name": "Billing"},
        {"type": "agent.started", "agent": "tech", "name": "Technical support"},
        {"type": "tool.called", "agent": "billing", "call_id": "a", "name": "explain_invoice", "arguments": {"month": "2026-11"}},
        {"type": "tool.called", "agent": "tech", "call_id": "b", "name": "search_knowledge", "arguments": {"query": "router red light"}},
        {"type": "tool.result", "agent": "billing", "call_id": "a", "name": "explain_invoice", "ok": True, "summary": "Invoice INV-202611-10001: £54.20, 4 lines", "duration_ms": 12.4},
        {"type": "tool.result", "agent": "tech", "call_id": "b", "name": "search_knowledge", "ok": "tool" not in message, "summary": "3 passages", "duration_ms": 31.0},
    ]  # fmt: skip
    if "fail" in message:
        problem = "The billing team's system does not answer at the moment. Please try again shortly."
        return [*events, {"type": "turn.failed", "code": "unavailable", "message": problem, "trace_id": TRACE_ID}]
    events += [{"type": "message.delta", "agent": "billing", "text": word + " "} for word in BILLING.split(" ")]
    events += [{"type": "citation", **CITATION}]
    events += [{"type": "message.delta", "agent": "tech", "text": word + " "} for word in TECH.split(" ")]
    usage = {"prompt_tokens": 812, "completion_tokens": 120, "model_calls": 4, "cost_picousd": 420_000_000}
    done = {"type": "turn.completed", "text": f"{BILLING.strip()}\n\n{TECH.strip()}", "agents": ["billing", "tech"], "citations": [CITATION], "usage": usage, "cost_picousd": 420_000_000, "trace_id": TRACE_ID, "turn_id": "conv-1.1", "conversation_id": "conv-1", "duration_ms": 842.0}  # fmt: skip
    done |= {"confidence": "closest"} if "closest" in message else {}
    done |= {"cache_hit": True, "cost_picousd": 0} if "cached" in message else {}
    return [*events, done]


def create_fake(console_url: str, *, delay_s: float = 0.01) -> FastAPI:
    """`requests` of its state lists the bodies of POST /v1/chat with their idempotency keys, `feedback` the ratings."""
    app = FastAPI()
    app.add_middleware(
        CORSMiddleware, allow_origins=[console_url], allow_methods=["*"], allow_headers=["*"], expose_headers=["x-trace-id"]
    )  # fmt: skip
    app.state.requests = []
    app.state.feedback = []

    @app.post("/v1/chat")
    async def chat(request: Request) -> Response:
        body = await request.json()
        key = request.headers.get("idempotency-key")
        first = key not in [seen[1] for seen in app.state.requests]
        app.state.requests.append((body["message"], key, request.headers.get("last-event-id")))
        if "limit" in body["message"]:
            problem = {"title": "Limit exceeded", "status": 429, "code": "limit_exceeded", "message": "You have asked a lot. Please wait a minute.", "trace_id": TRACE_ID}  # fmt: skip
            return JSONResponse(problem, 429, {"retry-after": "60"}, media_type="application/problem+json")
        after = int((request.headers.get("last-event-id") or "x:0").rpartition(":")[2])
        return StreamingResponse(play(body["message"], after, first), media_type="text/event-stream")

    async def play(message: str, after: int, first: bool) -> AsyncIterator[str]:
        for number, event in enumerate(script(message), start=1):
            if number <= after:
                continue
            if "break" in message and first and number == 12:
                return
            await asyncio.sleep(0.25 if "slow" in message else delay_s)
            yield f"event: {event['type']}\nid: conv-1.1:{number}\ndata: {json.dumps(event)}\n\n"

    @app.post("/v1/feedback")
    async def feedback(request: Request) -> Response:
        given = await request.json()
        if "refused" in given["comment"]:
            return JSONResponse({"message": "That is not possible now.", "code": "conflict"}, 409)
        app.state.feedback.append(given)
        return JSONResponse({**given, "at": "2026-11-15T09:30:00Z"})

    @app.get("/v1/agents")
    async def agents() -> dict[str, Any]:
        return {"agents": [{"id": "billing", "name": "Billing"}, {"id": "tech", "name": "Technical support"}]}

    @app.get("/v1/sources")
    async def sources(uri: str) -> dict[str, Any]:
        return {"uri": uri, "title": CITATION["title"], "text": ARTICLE, "start": START, "end": START + len(PASSAGE)}

    @app.get("/v1/conversations/{conversation_id}")
    async def conversation(conversation_id: str) -> dict[str, Any]:
        turn = {
            **script("")[-1],
            "status": "completed",
            "rating": {"rating": "up", "comment": "", "at": "2026-11-15T09:30:00Z"},
            "message": "I was charged twice and my router blinks red",
        }
        failed = {"turn_id": "conv-1.2", "status": "failed", "code": "unavailable", "failure": "Please try again.", "message": "And now?", "trace_id": TRACE_ID}  # fmt: skip
        return {"conversation_id": conversation_id, "turns": [turn, failed]}

    return app
