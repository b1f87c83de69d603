"""Spans of a process: the turn's ids on them, and what strangers may not put there."""

import sys
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from switchboard.contracts.errors import BadConfiguration
from switchboard.telemetry import (
    IsOurs,
    Telemetry,
    current_trace_id,
    model_span,
    record_usage,
    setup,
    turn_attributes,
)

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
IDS = {"conversation.id": "c1", "turn.id": "c1.1", "tenant.id": "aurora"}


@pytest.fixture
def telemetry() -> Telemetry:
    return setup("billing", endpoint=None, connection_string=None)


@pytest.fixture
def exported(telemetry: Telemetry) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    telemetry.provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield exporter
    exporter.clear()


def ids_of(attributes: object) -> dict[str, object]:
    assert attributes is not None
    return {name: value for name, value in dict(attributes).items() if name in IDS}  # type: ignore[call-overload]


async def call(app: FastAPI, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
        return await client.get(path, headers=headers)


def make_app(telemetry: Telemetry, *, is_ours: IsOurs | None = None) -> FastAPI:
    app = FastAPI()

    @app.get("/turn")
    async def turn() -> StreamingResponse:
        async def words():
            with turn_attributes("aurora", "c1", "c1.1"):
                with telemetry.provider.get_tracer("t").start_as_current_span("route"):
                    yield b"a"
                yield b"b"

        return StreamingResponse(words())

    @app.get("/plain")
    async def plain() -> dict[str, str]:
        return {"trace_id": current_trace_id()}

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {}

    telemetry.instrument(app, is_ours=is_ours)
    return app


async def test_the_turns_ids_are_on_the_server_span_and_on_spans_within(
    telemetry: Telemetry, exported: InMemorySpanExporter
) -> None:
    await call(make_app(telemetry), "/turn")
    spans = {span.name: span for span in exported.get_finished_spans()}
    assert set(spans) == {"route", "GET /turn"}
    assert all(ids_of(span.attributes) == IDS for span in spans.values())


async def test_a_request_joins_its_callers_trace_and_takes_the_ids_from_its_baggage(
    telemetry: Telemetry, exported: InMemorySpanExporter
) -> None:
    baggage = "tenant.id=aurora,turn.id=c1.1,conversation.id=c1"
    answer = await call(make_app(telemetry), "/plain", traceparent=PARENT, baggage=baggage)
    assert answer.json()["trace_id"] == PARENT.split("-")[1]
    assert ids_of(exported.get_finished_spans()[0].attributes) == IDS


async def test_what_follows_the_turn_in_its_request_is_stamped_too(
    telemetry: Telemetry, exported: InMemorySpanExporter
) -> None:
    work = telemetry.provider.get_tracer("t")
    with work.start_as_current_span("process"):
        with turn_attributes("aurora", "c1", "c1.1"):
            pass
        with work.start_as_current_span("publish"):
            pass
    assert all(ids_of(span.attributes) == IDS for span in exported.get_finished_spans())


async def test_a_stranger_cannot_name_the_tenant_of_a_public_apps_spans(
    telemetry: Telemetry, exported: InMemorySpanExporter
) -> None:
    await call(make_app(telemetry, is_ours=lambda _: False), "/plain", baggage="tenant.id=borealis")
    assert ids_of(exported.get_finished_spans()[0].attributes) == {}


@pytest.mark.parametrize("flags", ["00", "01"])
async def test_a_stranger_neither_joins_a_trace_nor_switches_tracing_off(
    telemetry: Telemetry, exported: InMemorySpanExporter, flags: str
) -> None:
    outside = f"{PARENT[:-2]}{flags}"
    answer = await call(make_app(telemetry, is_ours=lambda _: False), "/plain", traceparent=outside, tracestate="a=b")
    span = exported.get_finished_spans()[0]
    assert span.context is not None and span.parent is None
    assert answer.json()["trace_id"] == f"{span.context.trace_id:032x}" != PARENT.split("-")[1]
    assert [f"{link.context.span_id:016x}" for link in span.links] == [PARENT.split("-")[2]], "theirs is linked to"


@pytest.mark.parametrize("sent", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
async def test_what_is_no_trace_is_not_linked_to(
    telemetry: Telemetry, exported: InMemorySpanExporter, sent: str
) -> None:
    await call(make_app(telemetry, is_ours=lambda _: False), "/plain", traceparent=sent)
    assert exported.get_finished_spans()[0].links == ()


async def test_the_systems_own_requests_to_a_public_app_stay_in_their_trace(
    telemetry: Telemetry, exported: InMemorySpanExporter
) -> None:
    answer = await call(make_app(telemetry, is_ours=lambda _: True), "/plain", traceparent=PARENT)
    assert answer.json()["trace_id"] == PARENT.split("-")[1]


async def test_health_checks_make_no_spans(telemetry: Telemetry, exported: InMemorySpanExporter) -> None:
    await call(make_app(telemetry), "/healthz")
    assert exported.get_finished_spans() == ()


def test_outside_any_span_the_trace_id_is_all_zeros() -> None:
    assert current_trace_id() == "0" * 32


def test_a_model_span_follows_the_genai_conventions() -> None:
    with model_span("chat", "fast", "embedded") as span:
        record_usage(span, input_tokens=12, output_tokens=3, response_model="embedded-1", cost_picousd=0)
    attributes = dict(getattr(span, "attributes", None) or {})
    if trace.get_tracer_provider().__class__.__name__ == "TracerProvider":
        assert attributes["gen_ai.operation.name"] == "chat"
        assert attributes["gen_ai.usage.input_tokens"] == 12


def test_a_missing_azure_exporter_is_told_with_the_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.monitor.opentelemetry.exporter", None)
    with pytest.raises(BadConfiguration, match=r"switchboard\[azure\]"):
        setup("billing", endpoint=None, connection_string="InstrumentationKey=x")


async def test_paths_that_make_their_own_spans_get_none(telemetry: Telemetry, exported: InMemorySpanExporter) -> None:
    app = FastAPI()
    app.get("/mine")(lambda: {})
    telemetry.instrument(app, untraced=("/mine",))
    assert (await call(app, "/mine")).status_code == 200
    assert exported.get_finished_spans() == ()
