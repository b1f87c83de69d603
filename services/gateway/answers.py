"""Answers on the wire: a whole one as JSON, a stream as Server-Sent Events that end when their reader goes away."""

import asyncio

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.gateway.calls import Calls, Reply
from services.gateway.errors import response_of
from services.gateway.ports import ModelCall
from services.gateway.replay import DONE, events_of
from services.gateway.stream import ModelStream
from switchboard.contracts.errors import SwitchboardError


def whole(reply: Reply) -> Response:
    return Response(orjson.dumps(reply.body), headers=reply.headers, media_type="application/json")


class EventStream(Response):
    """Makes the call and streams its answer. What is buffered goes out in one write; a reader that leaves cancels it."""

    def __init__(self, calls: Calls, call: ModelCall) -> None:
        super().__init__()
        self._calls = calls
        self._call = call

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        work = asyncio.current_task()
        assert work is not None
        left = False

        async def watch() -> None:
            nonlocal left
            while (await receive())["type"] != "http.disconnect":
                pass
            left = True
            work.cancel()

        watching = asyncio.create_task(watch())
        try:
            await self._answer(scope, receive, send)
        except asyncio.CancelledError:
            if not left:
                raise
            work.uncancel()
        finally:
            watching.cancel()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            reply = await self._calls.answer(self._call)
        except SwitchboardError as error:
            await response_of(error)(scope, receive, send)
            return
        headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in reply.headers.items()]
        headers += [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
        start = {"type": "http.response.start", "status": 200, "headers": headers}
        if reply.stream is None:
            await send(start)
            await send({"type": "http.response.body", "body": _replayed(reply, self._call)})
        else:
            await _forward(reply.stream, start, send)


async def _forward(stream: ModelStream, start: dict, send: Send) -> None:
    try:
        await send(start)
        while block := await stream.read():
            await send({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        await stream.close()


def _replayed(reply: Reply, call: ModelCall) -> bytes:
    body = reply.body or {}
    options = call.body.get("stream_options")
    if not (isinstance(options, dict) and options.get("include_usage")):
        body = {key: value for key, value in body.items() if key != "usage"}
    return events_of(body) + DONE
