"""OTLP/HTTP: what an export request holds, and how it is answered (opentelemetry.io/docs/specs/otlp)."""

import base64
import binascii
import gzip
import io
import json
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan

from switchboard.contracts.errors import InvalidRequest, TooLarge
from switchboard.telemetry.spans import Span, SpanKindName, SpanStatus

BODY_BYTES_MAX = 4 * 1024 * 1024
INFLATED_BYTES_MAX = 16 * 1024 * 1024
ATTRIBUTES_MAX = 64
VALUE_CHARACTERS_MAX = 2_048
NAME_CHARACTERS_MAX = 256

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

_KINDS: dict[int, SpanKindName] = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
_STATUSES: dict[int, SpanStatus] = {0: "unset", 1: "ok", 2: "error"}


@dataclass(frozen=True, slots=True)
class Export:
    """A decoded request: the good spans, and how many were not."""

    spans: list[Span]
    rejected: int


def decode(body: bytes, *, content_type: str, encoding: str) -> Export:
    """Reads an `ExportTraceServiceRequest`. Raises `InvalidRequest` and `TooLarge`."""
    raw = _inflate(body) if encoding == "gzip" else body
    if encoding not in ("", "identity", "gzip"):
        raise InvalidRequest(f"The content encoding '{encoding[:32]}' is not supported; gzip is.")
    try:
        if content_type == JSON:
            request = json_format.ParseDict(
                _hex_to_base64(json.loads(raw)), ExportTraceServiceRequest(), ignore_unknown_fields=True
            )
        else:
            request = ExportTraceServiceRequest.FromString(raw)
    except (DecodeError, json_format.ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidRequest("The body is not an OTLP trace export.") from error
    return _spans(request)


def success(rejected: int, content_type: str) -> bytes:
    """The answer's body; it names rejected spans as a partial success, else it is empty."""
    response = ExportTraceServiceResponse()
    if rejected:
        response.partial_success.rejected_spans = rejected
        response.partial_success.error_message = "Spans need a trace id of 16 and a span id of 8 bytes, not all zero."
    return _encode(response, content_type)


def failure(message: str, content_type: str) -> bytes:
    """The body of a refused export: a `google.rpc.Status`."""
    return _encode(Status(message=message), content_type)


def _encode(message: Any, content_type: str) -> bytes:
    if content_type == JSON:
        return json_format.MessageToJson(message, indent=None).encode()
    return message.SerializeToString()


def _inflate(body: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as stream:
            inflated = stream.read(INFLATED_BYTES_MAX + 1)
    except (OSError, EOFError) as error:
        raise InvalidRequest("The body is not gzip, though its header says so.") from error
    if len(inflated) > INFLATED_BYTES_MAX:
        raise TooLarge("The export is too large.")
    return inflated


def _hex_to_base64(request: Any) -> Any:
    """OTLP/JSON writes ids in hex where protobuf's JSON wants base64."""
    for resource in request.get("resourceSpans", []):
        for scope in resource.get("scopeSpans", []):
            for span in scope.get("spans", []):
                span.pop("links", None)
                for name in ("traceId", "spanId", "parentSpanId"):
                    if span.get(name):
                        try:
                            span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
                        except (ValueError, binascii.Error):
                            span[name] = ""  # counted as rejected below, not fatal for the others
    return request


def _spans(request: ExportTraceServiceRequest) -> Export:
    spans: list[Span] = []
    rejected = 0
    for resource in request.resource_spans:
        service = next((kv.value.string_value for kv in resource.resource.attributes if kv.key == "service.name"), "")
        for scope in resource.scope_spans:
            for wire in scope.spans:
                if len(wire.trace_id) == 16 and len(wire.span_id) == 8 and any(wire.trace_id) and any(wire.span_id):
                    spans.append(_span(wire, service or "unknown"))
                else:
                    rejected += 1
    return Export(spans, rejected)


def _span(wire: WireSpan, service: str) -> Span:
    return Span(
        trace_id=wire.trace_id.hex(),
        span_id=wire.span_id.hex(),
        parent_id=wire.parent_span_id.hex(),
        name=wire.name[:NAME_CHARACTERS_MAX],
        service=service[:NAME_CHARACTERS_MAX],
        start_ns=_clamp(wire.start_time_unix_nano),
        end_ns=max(_clamp(wire.end_time_unix_nano), _clamp(wire.start_time_unix_nano)),
        kind=_KINDS.get(wire.kind, "internal"),
        status=_STATUSES.get(wire.status.code, "unset"),
        message=wire.status.message[:VALUE_CHARACTERS_MAX],
        attributes=_attributes(wire.attributes),
    )


def _clamp(nanoseconds: int) -> int:
    return min(nanoseconds, 2**63 - 1)  # SQLite's integers are signed


def _attributes(pairs: Any) -> dict[str, Any]:
    kept: list[KeyValue] = list(pairs)[:ATTRIBUTES_MAX]
    return {kv.key[:NAME_CHARACTERS_MAX]: _value(kv.value, 0) for kv in kept}


def _value(value: AnyValue, depth: int) -> Any:
    which = value.WhichOneof("value")
    if which == "string_value":
        return value.string_value[:VALUE_CHARACTERS_MAX]
    if which == "array_value" and depth < 2:
        return [_value(item, depth + 1) for item in value.array_value.values[:ATTRIBUTES_MAX]]
    if which in ("int_value", "double_value", "bool_value"):
        return getattr(value, which)
    return None if which is None else f"({which})"
