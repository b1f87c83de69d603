"""Wires OpenTelemetry once per process: provider, exporters, propagators, FastAPI instrumentation.

What calls others (the sidecar's invocation, the gateway's client) makes its own client spans: the instrumentation of
httpx, which no service uses, took 6 MiB of every process.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from fastapi import FastAPI
from opentelemetry import propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Receive, Scope, Send

from switchboard.contracts.errors import BadConfiguration
from switchboard.telemetry.context import TurnStamp, server_span

EXPORT_DELAY_MS = 500
EXPORT_TIMEOUT_S = 5
QUEUE_SPANS_MAX = 8_192
BATCH_SPANS_MAX = 512
TRACERS_MAX = 64
UNTRACED_URLS = r"/healthz,/readyz,/dapr/,/v1/traces$,/favicon"
"""Polls and the telemetry itself: spans of these would only bury the turns."""
CONTEXT_HEADERS = frozenset({b"traceparent", b"tracestate", b"baggage"})
OUTSIDE = "switchboard.outside_span"
"""Where a request's scope keeps the span that its sender named."""

IsOurs = Callable[[Scope], bool]
"""Whether a request (its ASGI scope) comes from the system itself."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """A process's tracing. Flush and shut it down at the end of the app's lifespan; both block briefly."""

    service_name: str
    provider: TracerProvider = field(repr=False)

    def instrument(self, app: FastAPI, *, is_ours: IsOurs | None = None, untraced: Sequence[str] = ()) -> None:
        """Gives each request of `app` a server span, joined to the caller's trace.

        Paths that are `untraced` get none: they make their own. An app with a public port says with `is_ours` which
        requests are the system's own. All others begin a trace: a stranger must not join another one's, switch
        tracing off, or name the tenant of a span. Where a stranger has a trace of their own, ours links to it.
        """
        FastAPIInstrumentor.instrument_app(
            app,
            tracer_provider=self.provider,
            excluded_urls=",".join((UNTRACED_URLS, *(f"{path}$" for path in untraced))),
            exclude_spans=["receive", "send"],  # a span an SSE chunk would cost more than the chunk
            server_request_hook=_remember_server_span,
        )
        if is_ours is not None:
            _wrap_outermost(app, is_ours)

    def flush(self, timeout_ms: int = 2_000) -> None:
        self.provider.force_flush(timeout_ms)

    def shutdown(self) -> None:
        self.flush()
        self.provider.shutdown()


def setup(service_name: str, *, endpoint: str | None, connection_string: str | None) -> Telemetry:
    """Starts tracing for this process, and makes it the process's default.

    `endpoint` is the base URL of an OTLP/HTTP receiver, `connection_string` that of Application Insights; with
    neither, spans have ids and context but go nowhere. Raises `BadConfiguration` where the Azure exporter is asked
    for and not installed.
    """
    provider = TracerProvider(resource=Resource.create({"service.name": service_name}), shutdown_on_exit=True)
    provider.add_span_processor(TurnStamp())
    for exporter in _exporters(endpoint, connection_string):
        provider.add_span_processor(
            BatchSpanProcessor(
                exporter,
                schedule_delay_millis=EXPORT_DELAY_MS,
                max_queue_size=QUEUE_SPANS_MAX,
                max_export_batch_size=BATCH_SPANS_MAX,
            )
        )
    propagate.set_global_textmap(CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()]))
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(provider)
    return Telemetry(service_name=service_name, provider=provider)


def tracer(name: str) -> trace.Tracer:
    """The process's tracer for a module: `tracer(__name__)`."""
    return _tracer(trace.get_tracer_provider(), name)


@lru_cache(TRACERS_MAX)
def _tracer(provider: trace.TracerProvider, name: str) -> trace.Tracer:
    """A provider makes a new one at every call: 10 µs, a dozen times a turn."""
    return provider.get_tracer(name)


def _exporters(endpoint: str | None, connection_string: str | None) -> list[SpanExporter]:
    exporters: list[SpanExporter] = []
    if endpoint:
        exporters.append(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_TIMEOUT_S))
    if connection_string:
        exporters.append(_azure_exporter(connection_string))
    return exporters


def _azure_exporter(connection_string: str) -> SpanExporter:
    try:
        from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter
    except ImportError as error:
        raise BadConfiguration(
            "APPLICATIONINSIGHTS_CONNECTION_STRING is set, but the Azure exporter is not installed: "
            "install the extra with 'pip install switchboard[azure]'."
        ) from error
    return AzureMonitorTraceExporter(connection_string=connection_string)


def _remember_server_span(span: Span, scope: Scope) -> None:
    server_span.set(span)
    if (outside := scope.get(OUTSIDE)) is not None:
        span.add_link(outside)


class _OwnTrace:
    """Takes the trace context out of requests that are not the system's own."""

    def __init__(self, app: ASGIApp, is_ours: IsOurs) -> None:
        self.app = app  # by this name FastAPI finds the instrumentation below, and leaves its own off
        self._is_ours = is_ours

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not self._is_ours(scope):
            sent: list[tuple[bytes, bytes]] = scope["headers"]
            scope["headers"] = [pair for pair in sent if pair[0] not in CONTEXT_HEADERS]
            if len(scope["headers"]) < len(sent):
                scope[OUTSIDE] = _context_of(sent)
        await self.app(scope, receive, send)


def _context_of(sent: Sequence[tuple[bytes, bytes]]) -> trace.SpanContext | None:
    """The span that a stranger says is theirs; None where it is none."""
    told = next((value.decode("latin-1") for name, value in sent if name == b"traceparent"), "")
    span = trace.get_current_span(TraceContextTextMapPropagator().extract({"traceparent": told}, Context()))
    found = span.get_span_context()
    return found if found.is_valid else None


def _wrap_outermost(app: FastAPI, is_ours: IsOurs) -> None:
    # The instrumentation wraps the whole middleware stack, so the filter has to wrap that again.
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: _OwnTrace(build(), is_ours)  # type: ignore[method-assign]
