"""Model calls on the wire: a request in, JSON or Server-Sent Events out.

This is the hot path, so it is an ASGI endpoint of its own: one span, the headers decoded once, no dependency to solve.
"""

import asyncio
from typing import Any

import orjson
from opentelemetry import context, propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.gateway.call import ModelCall, Operation
from services.gateway.calls.answers.errors import response_of
from services.gateway.calls.answers.stream import ModelStream
from services.gateway.calls.callers import KnownCallers
from services.gateway.calls.life import Calls
from services.gateway.providers.chunked import DONE, events_of
from switchboard.contracts import sse
from switchboard.contracts.errors import InvalidRequest, SwitchboardError, TooLarge
from switchboard.telemetry import tracer
from switchboard.telemetry.genai import OPERATION

BODY_BYTES_MAX = 1024 * 1024
STREAM_HEADERS = [
    (name.encode(), value.encode())
    for name, value in {**sse.HEADERS, "content-type": f"{sse.MEDIA_TYPE}; charset=utf-8"}.items()
]


class CallerGone(Exception):
    """Nobody waits for the answer any more."""


class ModelEndpoint:
    """`POST /v1/chat/completions` or `/v1/embeddings`. A reader that goes away ends its stream."""

    def __init__(self, operation: Operation, callers: KnownCallers) -> None:
        self._operation: Operation = operation
        self._callers = callers
        self._tracer = tracer(__name__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            self._callers.check(headers)
        except SwitchboardError as error:  # no span: a stranger's trace is none of ours
            await response_of(error)(scope, receive, send)
            return
        # One span for the request and its model call: a stream's ends in another task than it began in.
        caller = propagate.extract(headers)
        span = self._tracer.start_span(
            self._operation, caller, kind=SpanKind.CLIENT, attributes={OPERATION: self._operation}
        )
        token = context.attach(trace.set_span_in_context(span, caller))
        try:
            calls: Calls = scope["app"].state.calls
            content = await _content(receive)
            call = calls.call_of(self._operation, _checked(content, self._operation), headers, len(content))
            if call.stream and self._operation == "chat":
                await _while_read(_stream(calls, call, span, scope, receive, send), receive)
            else:
                reply = await calls.answer(call, span)
                body = Response(orjson.dumps(reply.body), headers=reply.headers, media_type="application/json")
                await body(scope, receive, send)
        except SwitchboardError as error:
            response = response_of(error)
            _failed(span, error.code)
            await response(scope, receive, send)
        except CallerGone:
            _failed(span, "cancelled")
        except BaseException:
            _failed(span, SwitchboardError.code)
            raise
        finally:
            context.detach(token)


def _failed(span: Span, code: str) -> None:
    if span.is_recording():
        span.set_status(Status(StatusCode.ERROR, code))
        span.end()


async def _while_read(work: Any, receive: Receive) -> None:
    """Runs `work` until it is done, or its reader goes away. Raises `CallerGone` then."""
    task = asyncio.current_task()
    assert task is not None
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        task.cancel()

    watching = asyncio.create_task(watch())
    try:
        await work
    except asyncio.CancelledError:
        if not gone:
            raise
        task.uncancel()
        raise CallerGone from None
    finally:
        watching.cancel()


async def _stream(calls: Calls, call: ModelCall, span: Span, scope: Scope, receive: Receive, send: Send) -> None:
    reply = await calls.answer(call, span)
    headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in reply.headers.items()]
    headers += STREAM_HEADERS
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    if reply.stream is not None:
        await _forward(reply.stream, start, send)
        return
    await send(start)
    body = reply.body or {}
    if not call.wants_usage:
        body = {key: value for key, value in body.items() if key != "usage"}
    await send({"type": "http.response.body", "body": events_of(body) + DONE})


async def _forward(stream: ModelStream, start: dict[str, Any], send: Send) -> None:
    """What is buffered goes out in one write."""
    try:
        await send(start)
        while block := await stream.read():
            await send({"type": "http.response.body", "body": block, "more_body": not stream.over})
    finally:
        await stream.close()


def _checked(content: bytes, operation: Operation) -> dict[str, Any]:
    """The request's JSON object. Raises `InvalidRequest`."""
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest("The request's body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise InvalidRequest("The request's body must be a JSON object.")
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise InvalidRequest("'model' must name an alias or a model.")
    if operation == "chat" and (not isinstance(body.get("messages"), list) or not body["messages"]):
        raise InvalidRequest("'messages' must be a list with at least one message.")
    if operation == "embeddings" and not body.get("input"):
        raise InvalidRequest("'input' must be a text or a list of texts, none of them empty.")
    return body


async def _content(receive: Receive) -> bytes:
    """The request's body, at most 1 MiB of it. Raises `TooLarge`, `CallerGone`."""
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGone
        part = message.get("body", b"")
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise TooLarge("The request is larger than 1 MiB.")
        parts.append(part)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)
