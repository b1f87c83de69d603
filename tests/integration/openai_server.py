"""A server that speaks OpenAI's protocol, with faults by request: 'fault 429', 'fault hang', ... Run with a port."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

app = FastAPI()
USAGE = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}


@app.get("/readyz")
async def readyz() -> dict[str, str]:
    return {"status": "ready"}


@app.post("/v1/chat/completions")
async def chat(request: Request) -> Response:
    body = await request.json()
    fault = re.search(r"fault (\w+)", body["messages"][-1]["content"])
    what = fault.group(1) if fault else ""
    if what.isdigit():
        return JSONResponse({"error": {"message": "provider-secret"}}, int(what), {"retry-after": "7"})
    if what == "hang":
        await asyncio.sleep(5)
    if what == "garbage":
        return Response("provider-secret", 200, media_type="application/json")
    if body.get("stream"):
        usage = (body.get("stream_options") or {}).get("include_usage")
        return StreamingResponse(_events(body["model"], what, bool(usage)), media_type="text/event-stream")
    said = f"model {body['model']}, key {request.headers.get('authorization')}"
    message = {"role": "assistant", "content": said}
    return JSONResponse(
        {
            "id": "x",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": USAGE,
        }
    )


async def _events(model: str, fault: str, usage: bool) -> AsyncIterator[str]:
    def event(choices: list[dict[str, Any]], **more: Any) -> str:
        head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": model}
        return f"data: {json.dumps({**head, 'choices': choices, **more})}\n\n"

    for word in ("one", " two", " three"):
        yield event([{"index": 0, "delta": {"content": word}, "finish_reason": None}])
        if fault == "cut":
            return
    yield event([{"index": 0, "delta": {}, "finish_reason": "stop"}])
    if usage:
        yield event([], usage=USAGE)
    yield "data: [DONE]\n\n"


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
