"""The console's API: it takes spans in, and shows a caller what is theirs."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from pydantic import SecretStr

from services.console import otlp
from services.console.api.application import create_app
from services.console.bootstrap import build
from services.console.settings import Settings
from switchboard.contracts.errors import BadConfiguration

TRACE = "0af7651916cd43dd8448eb211c80319c"
KEYS = """
keys:
  - {key: demo-ada, name: Ada, tenant: aurora, user: C-1}
  - {key: demo-cleo, name: Cleo, tenant: borealis, user: C-2}
  - {key: demo-ops, name: Ops, tenant: aurora, user: ops, roles: [operator]}
  - {key: secret-key, tenant: aurora, user: C-3}
"""


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    keys = tmp_path / "demo-keys.yaml"
    keys.write_text(KEYS)
    settings = Settings(data_dir=tmp_path, keys_file=keys, api_url="http://127.0.0.1:8080")
    with TestClient(create_app(build(settings))) as opened:
        yield opened


USERS = {"aurora": "C-1", "borealis": "C-2"}


def export(*tenants: str, trace: str = TRACE) -> bytes:
    """One export of a root span without a tenant and one child span for a user of each of `tenants`."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    service = resource.resource.attributes.add()
    service.key, service.value.string_value = "service.name", "billing"
    spans = resource.scope_spans.add().spans
    spans.add(trace_id=bytes.fromhex(trace), span_id=b"rootroot", name="root", start_time_unix_nano=10**18, end_time_unix_nano=10**18 + 10**7)  # fmt: skip
    for number, tenant in enumerate(tenants):
        span = spans.add(trace_id=bytes.fromhex(trace), span_id=number.to_bytes(7, "big") + b"x", parent_span_id=b"rootroot", name=f"work {tenant}", start_time_unix_nano=10**18, end_time_unix_nano=10**18 + 10**6)  # fmt: skip
        for key, value in (
            ("tenant.id", tenant),
            ("user.id", USERS[tenant]),
            ("conversation.id", "c1"),
            ("turn.id", "c1.1"),
        ):
            attribute = span.attributes.add()
            attribute.key, attribute.value.string_value = key, value
    return request.SerializeToString()


def send(client: TestClient, body: bytes, **headers: str):
    return client.post("/v1/traces", content=body, headers={"content-type": otlp.PROTOBUF, **headers})


def names(client: TestClient, key: str, path: str = f"/api/traces/{TRACE}") -> list[str]:
    answer = client.get(path, headers={"authorization": f"Bearer {key}"})
    return [span["name"] for span in answer.json()["spans"]] if answer.status_code == 200 else [str(answer.status_code)]


def test_a_trace_is_shown_as_a_tree_in_reading_order(client: TestClient) -> None:
    assert send(client, export("aurora")).status_code == 200
    view = client.get(f"/api/traces/{TRACE}", headers={"authorization": "Bearer demo-ada"}).json()
    assert [(span["name"], span["depth"], span["duration_ms"]) for span in view["spans"]] == [("root", 0, 10.0), ("work aurora", 1, 1.0)]  # fmt: skip
    assert view["services"] == ["billing"]


def test_another_tenants_trace_looks_like_none(client: TestClient) -> None:
    send(client, export("aurora"))
    assert names(client, "demo-cleo") == ["404"]
    assert names(client, "nobody") == ["401"]


def test_another_users_trace_of_the_same_tenant_looks_like_none(client: TestClient) -> None:
    send(client, export("aurora"))
    assert names(client, "demo-ada") == ["root", "work aurora"]
    assert names(client, "secret-key") == ["404"]


def test_a_trace_of_two_tenants_shows_each_only_their_own_and_an_operator_their_tenants(client: TestClient) -> None:
    send(client, export("aurora", "borealis"))
    assert names(client, "demo-cleo") == ["work borealis"]
    assert names(client, "demo-ops") == ["work aurora"]


def test_an_operator_sees_all_of_their_own_tenants_traces_and_none_of_another(client: TestClient) -> None:
    send(client, export("aurora"))
    other = "1" * 32
    send(client, export("borealis", trace=other))
    assert names(client, "demo-ops") == ["root", "work aurora"]
    assert names(client, "demo-ops", f"/api/traces/{other}") == ["404"]
    told = client.get("/api/conversations/c1/trace", headers={"authorization": "Bearer demo-ops"}).json()
    assert [trace["trace_id"] for trace in told["traces"]] == [TRACE]


def test_a_turn_and_a_conversation_name_their_traces(client: TestClient) -> None:
    send(client, export("aurora"))
    for path in ("/api/turns/c1.1/trace", "/api/conversations/c1/trace"):
        view = client.get(path, headers={"authorization": "Bearer demo-ada"}).json()
        assert [trace["trace_id"] for trace in view["traces"]] == [TRACE]


def test_gzip_is_inflated_and_a_lie_about_it_is_refused(client: TestClient) -> None:
    assert send(client, gzip.compress(export("aurora")), **{"content-encoding": "gzip"}).status_code == 200
    assert send(client, export("aurora"), **{"content-encoding": "gzip"}).status_code == 400


def test_an_inflated_body_over_the_bound_is_refused(client: TestClient) -> None:
    bomb = gzip.compress(b"\0" * (otlp.INFLATED_BYTES_MAX + 1))
    assert send(client, bomb, **{"content-encoding": "gzip"}).status_code == 413


def test_a_body_over_the_bound_is_refused(client: TestClient) -> None:
    assert send(client, b"\0" * (otlp.BODY_BYTES_MAX + 1)).status_code == 413


def test_rejected_spans_are_told_as_a_partial_success(client: TestClient) -> None:
    request = ExportTraceServiceRequest.FromString(export("aurora"))
    request.resource_spans[0].scope_spans[0].spans.add(trace_id=b"short", span_id=b"x", name="bad")
    answer = ExportTraceServiceResponse.FromString(send(client, request.SerializeToString()).content)
    assert answer.partial_success.rejected_spans == 1
    assert len(names(client, "demo-ada")) == 2


def test_nonsense_is_refused_with_a_status_message(client: TestClient) -> None:
    assert send(client, b"zzz").status_code == 400
    assert client.post("/v1/traces", content=b"[]", headers={"content-type": otlp.JSON}).status_code == 400
    assert client.post("/v1/traces", content=b"x", headers={"content-type": "text/plain"}).status_code == 415


def test_an_export_nested_too_deep_is_refused(client: TestClient) -> None:
    deep = b'{"resourceSpans":' + b"[" * 200_000
    assert client.post("/v1/traces", content=deep, headers={"content-type": otlp.JSON}).status_code == 400
    value = b'{"arrayValue":{"values":[' * 90 + b"{}" + b"]}}" * 90
    body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"k","value":' + value + b"}]}]}]}]}"
    assert client.post("/v1/traces", content=body, headers={"content-type": otlp.JSON}).status_code == 400


def test_spans_are_taken_from_who_has_the_token_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, otlp_token=SecretStr("own-token"))
    with TestClient(create_app(build(settings))) as client:
        assert send(client, export("aurora")).status_code == 401
        assert send(client, export("aurora"), **{"x-switchboard-otlp-token": "guessed"}).status_code == 401
        assert names(client, "demo-aurora-ops") == ["404"]
        assert send(client, export("aurora"), **{"x-switchboard-otlp-token": "own-token"}).status_code == 200


def test_outside_a_demo_a_console_needs_a_token_and_keys_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="SWITCHBOARD_OTLP_TOKEN"):
        build(Settings(data_dir=tmp_path, demo=False))
    with pytest.raises(BadConfiguration, match="SWITCHBOARD_KEYS_FILE"):
        build(Settings(data_dir=tmp_path, demo=False, otlp_token=SecretStr("own-token")))


def test_json_with_hex_ids_is_read(client: TestClient) -> None:
    span = {"traceId": TRACE, "spanId": "b7ad6b7169203331", "name": "json", "kind": 2, "startTimeUnixNano": "1", "endTimeUnixNano": "2", "attributes": [{"key": "tenant.id", "value": {"stringValue": "aurora"}}, {"key": "user.id", "value": {"stringValue": "C-1"}}]}  # fmt: skip
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span, {**span, "spanId": "zz"}]}]}]}
    answer = client.post("/v1/traces", content=json.dumps(body), headers={"content-type": otlp.JSON})
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "1"
    assert names(client, "demo-ada") == ["json"]


def test_only_demo_keys_are_handed_to_the_page(client: TestClient) -> None:
    config = client.get("/config.json").json()
    assert config["api_url"] == "http://127.0.0.1:8080"
    assert [entry["key"] for entry in config["keys"]] == ["demo-ada", "demo-cleo", "demo-ops"]


def test_the_page_allows_no_script_but_its_own(client: TestClient) -> None:
    answer = client.get("/")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "<script>" not in answer.text
    assert client.get("/static/js/main.js").headers["content-type"].startswith("text/javascript")
