"""One model call from request to answer: find the target, call it under a span, put the cost into its usage."""

import time
from collections.abc import AsyncIterator
from typing import Any

import anyio
import orjson
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from services.gateway.bootstrap import Gateway
from services.gateway.errors import body_of
from services.gateway.policy import Target
from services.gateway.pricing import cost_usd
from services.gateway.providers.port import Answer, Call, Chunk, Spent, spent_of
from switchboard.contracts.errors import DeadlineExceeded, SwitchboardError
from switchboard.telemetry import record_usage, tracer
from switchboard.telemetry.genai import OPERATION, PROVIDER, REQUEST_MODEL

TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"


class Calls:
    """Shared by all requests; holds no state of any."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        target = self._gateway.router.target(body["model"])
        provider = self._gateway.providers[target.provider]
        span = _span("chat", body["model"], provider.name)
        with trace.use_span(span, end_on_exit=True, record_exception=False):
            with _total(self._gateway.total_s):
                answer = await provider.chat(Call(target.model, body))
            return _accounted(answer, provider.name, target, span)

    async def embed(self, body: dict[str, Any]) -> dict[str, Any]:
        target = self._gateway.router.target(body["model"])
        provider = self._gateway.providers[target.provider]
        span = _span("embeddings", body["model"], provider.name)
        with trace.use_span(span, end_on_exit=True, record_exception=False):
            with _total(self._gateway.total_s):
                answer = await provider.embed(Call(target.model, body))
            return _accounted(answer, provider.name, target, span)

    async def stream(self, body: dict[str, Any]) -> AsyncIterator[bytes]:
        """Server-Sent Events. Errors before the first chunk are raised here; later ones end the stream as an event."""
        target = self._gateway.router.target(body["model"])
        provider = self._gateway.providers[target.provider]
        options = body.get("stream_options")
        wants_usage = bool(isinstance(options, dict) and options.get("include_usage"))
        span = _span("chat", body["model"], provider.name)
        started = time.perf_counter()
        try:
            with trace.use_span(span, end_on_exit=False, record_exception=False):
                chunks = await provider.stream(Call(target.model, body))
                first = await anext(aiter(chunks), None)
        except BaseException:
            span.set_status(Status(StatusCode.ERROR))
            span.end()
            raise
        span.set_attribute(TIME_TO_FIRST_CHUNK, time.perf_counter() - started)
        return _events(first, chunks, provider.name, target, span, wants_usage)


def _span(operation: str, model: str, provider: str) -> Span:
    # Not the current span of a block: a stream's span ends in another task than it began in.
    attributes = {OPERATION: operation, REQUEST_MODEL: model, PROVIDER: provider}
    return tracer(__name__).start_span(f"{operation} {model}", kind=SpanKind.CLIENT, attributes=attributes)


class _total:
    def __init__(self, seconds: float) -> None:
        self._scope = anyio.move_on_after(seconds)

    def __enter__(self) -> None:
        self._scope.__enter__()

    def __exit__(self, *exception: Any) -> None:
        self._scope.__exit__(*exception)
        if self._scope.cancelled_caught:
            raise DeadlineExceeded


def _accounted(answer: Answer, provider: str, target: Target, span: Span) -> dict[str, Any]:
    cost = cost_usd(provider, answer.model or target.model, answer.spent)
    _record(span, answer.spent, answer.model, answer.finish_reason, cost)
    usage = answer.body.get("usage")
    return {**answer.body, "usage": {**(usage if isinstance(usage, dict) else {}), "cost_usd": cost}}


def _record(span: Span, spent: Spent, model: str, finish_reason: str, cost: float) -> None:
    record_usage(
        span,
        input_tokens=spent.prompt_tokens,
        output_tokens=spent.completion_tokens,
        response_model=model,
        finish_reason=finish_reason,
        cost_usd=cost,
    )


async def _events(
    first: Chunk | None,
    rest: AsyncIterator[Chunk],
    provider: str,
    target: Target,
    span: Span,
    wants_usage: bool,
) -> AsyncIterator[bytes]:
    spent, model, finish_reason = Spent(), target.model, ""
    chunk = first
    try:
        while chunk is not None:
            body = chunk.body
            if body is None:
                yield b"data: " + chunk.data + b"\n\n"
            else:
                choices = body.get("choices") or []
                finish_reason = next((c["finish_reason"] for c in choices if c.get("finish_reason")), finish_reason)
                model = str(body.get("model") or model)
                if isinstance(body.get("usage"), dict):
                    spent = spent_of(body["usage"])
                    body = {**body, "usage": {**body["usage"], "cost_usd": cost_usd(provider, model, spent)}}
                    if wants_usage or choices:
                        yield b"data: " + orjson.dumps(body) + b"\n\n"
                else:
                    yield b"data: " + chunk.data + b"\n\n"
            chunk = await anext(rest, None)
        yield b"data: [DONE]\n\n"
    except SwitchboardError as error:
        span.set_status(Status(StatusCode.ERROR, error.code))
        yield b"data: " + orjson.dumps(body_of(error)) + b"\n\n"
    finally:
        _record(span, spent, model, finish_reason, cost_usd(provider, model, spent))
        span.end()
        close = getattr(rest, "aclose", None)
        if close is not None:
            await close()
