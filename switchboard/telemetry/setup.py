"""Wires OpenTelemetry once per process: provider, exporters, propagators, FastAPI instrumentation.

What calls others (the sidecar's invocation, the gateway's client) makes its own client spans: the instrumentation of
httpx, which no service uses, took 6 MiB of every process.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from fastapi import FastAPI
from opentelemetry import propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from switchboard.contracts.errors import BadConfiguration
from switchboard.telemetry.context import TurnStamp
from switchboard.telemetry.server import ServerSpans

EXPORT_DELAY_MS = 500
EXPORT_TIMEOUT_S = 5
QUEUE_SPANS_MAX = 8_192
BATCH_SPANS_MAX = 512


@dataclass(frozen=True, slots=True)
class Telemetry:
    """A process's tracing. Flush and shut it down at the end of the app's lifespan; both block briefly."""

    service_name: str
    provider: TracerProvider = field(repr=False)

    def instrument(self, app: FastAPI, *, public: bool = False, untraced: Sequence[str] = ()) -> None:
        """Gives each request of `app` a server span, joined to the caller's trace.

        The app is made with `telemetry=FRAMEWORK_OFF`. Paths that are `untraced` get none: they make their own.
        A `public` app drops the `baggage` header of its callers: strangers must not name the tenant of a span.
        """
        tracer = self.provider.get_tracer("switchboard.telemetry.server")
        build = app.build_middleware_stack

        def traced() -> ServerSpans:
            return ServerSpans(build(), tracer, untraced=untraced, trusts_baggage=not public)

        app.build_middleware_stack = traced

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
    return trace.get_tracer(name)


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
