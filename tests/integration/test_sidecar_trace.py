"""One trace goes through the sidecar: its spans are children of ours, and what it calls continues the trace."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from fastapi import FastAPI, Request, Response
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext
from pydantic import BaseModel
from runtime import ROOT, Daprd, bench, local_components

from switchboard.sidecar.dapr import DaprSidecar
from switchboard.sidecar.subscriptions import subscribe
from switchboard.testing.sidecar_contract import fresh


def our_spans() -> InMemorySpanExporter:
    """Gets the spans of this process, which one or another test has set up for tracing already or not."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


class Note(BaseModel):
    text: str


@dataclass
class Collected:
    """Spans of daprd as (name, trace, span, parent), and the span contexts that reached the app."""

    spans: list[tuple[str, str, str, str]] = field(default_factory=list)
    at_app: list[SpanContext] = field(default_factory=list)

    def orphans(self, ours: InMemorySpanExporter) -> set[str]:
        """Parents that are neither among the spans nor our own. The exporter sends them in any order."""
        known = {span for _, _, span, _ in self.spans}
        known |= {f"{span.context.span_id:016x}" for span in ours.get_finished_spans() if span.context}
        return {parent for _, _, _, parent in self.spans} - known

    def collector(self) -> FastAPI:
        app = FastAPI()

        @app.post("/v1/traces")
        async def take(request: Request) -> Response:
            told = ExportTraceServiceRequest.FromString(await request.body())
            for of_resource in told.resource_spans:
                for of_scope in of_resource.scope_spans:
                    for span in of_scope.spans:
                        ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                        self.spans.append((span.name, *ids))
            return Response(ExportTraceServiceRequest().SerializeToString(), media_type="application/x-protobuf")

        return app

    def app(self) -> FastAPI:
        app = FastAPI()

        async def take(note: Note) -> None:
            self.at_app.append(trace.get_current_span().get_span_context())

        subscribe(app, "trace.notes", take, model=Note)

        @app.post("/echo")
        async def echo(request: Request) -> dict[str, str]:
            return {"traceparent": request.headers.get("traceparent", "")}

        return app


@pytest.fixture(scope="module")
def collected() -> Collected:
    return Collected()


@pytest.fixture(scope="module")
def daprd(tmp_path_factory: pytest.TempPathFactory, collected: Collected) -> Iterator[Daprd]:
    with bench(tmp_path_factory.mktemp("trace")) as machines:
        made = machines.daprd(
            f"trace-{uuid.uuid4().hex[:8]}",
            local_components(machines.folder, machines.redis()),
            app_port=machines.serve(collected.app()),
            config=ROOT / "components" / "local" / "config.yaml",
            otlp_port=machines.serve(collected.collector()),
        )
        made.ready(with_app=True)
        yield made


async def test_spans_of_the_sidecar_are_children_of_ours_and_the_app_continues_the_trace(
    daprd: Daprd, collected: Collected
) -> None:
    sidecar = DaprSidecar(http_port=daprd.http_port, grpc_port=daprd.grpc_port)
    await sidecar.open()
    exported = our_spans()
    try:
        await sidecar.state.get(fresh())  # outside of any span: no trace of its own
        with trace.get_tracer("test").start_as_current_span("turn") as turn:
            ours = turn.get_span_context()
            await sidecar.state.put(fresh(), {"n": 1})
            await sidecar.pubsub.publish("trace.notes", {"text": "hello"})
            async with sidecar.invoker.open(daprd.app_id, "/echo") as response:
                echoed = (await response.body()).decode()
        for _ in range(1_000):
            if collected.at_app and len(collected.spans) >= 4 and not collected.orphans(exported):
                break
            await asyncio.sleep(0.02)
    finally:
        await sidecar.close()
    trace_id = f"{ours.trace_id:032x}"
    assert trace_id in echoed, "the invoked app got another trace"
    assert [f"{one.trace_id:032x}" for one in collected.at_app] == [trace_id], "the event carries another trace"
    assert {of_trace for _, of_trace, _, _ in collected.spans} == {trace_id}, collected.spans
    assert not collected.orphans(exported), collected.spans
