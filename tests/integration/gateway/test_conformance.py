"""One suite, two clients that know nothing of each other: the official `openai` for Python and for Node."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from gateway_site import Site

from tests.integration.node_package import node_command

SUITE = Path(__file__).parent / "conformance"
RUN_TIMEOUT_S = 100
SECRET = "provider-secret"
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]
WEATHER = {"name": "get_weather", "arguments": '{"city":"Leeds"}'}


def asked(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "solo", "messages": [{"role": "user", "content": text}], **more}


USAGE = {"stream_options": {"include_usage": True}}
CASES: list[dict[str, Any]] = [
    {"name": "text", "run": "whole", "request": asked("hello")},
    {"name": "streamed text", "run": "streamed", "request": asked("hello")},
    {"name": "streamed usage", "run": "streamed", "request": asked("hello", **USAGE)},
    {"name": "tool", "run": "whole", "request": asked("weather", tools=TOOLS)},
    {"name": "streamed tool", "run": "streamed", "request": asked("weather", tools=TOOLS, **USAGE)},
    {"name": "other script", "run": "streamed", "request": asked("grüße, 世界 🌍")},
    {"name": "vectors", "run": "embedded", "request": {"model": "embedding", "input": ["a", "b"], "encoding_format": "float"}},
    {"name": "packed vectors", "run": "embedded", "request": {"model": "embedding", "input": "a"}},
    {"name": "models", "run": "models", "request": {}},
    {"name": "no such model", "run": "whole", "request": asked("hello") | {"model": "nope"}},
    {"name": "no messages", "run": "whole", "request": {"model": "solo", "messages": []}},
    {"name": "no messages streamed", "run": "streamed", "request": {"model": "solo", "messages": []}},
    {"name": "throttled", "run": "whole", "request": asked("fault 429")},
    {"name": "throttled stream", "run": "streamed", "request": asked("fault 429")},
    {"name": "refused by the provider", "run": "whole", "request": asked("fault 400")},
    {"name": "provider down", "run": "whole", "request": asked("fault 500")},
    {"name": "provider down streamed", "run": "streamed", "request": asked("fault 500")},
    {"name": "stream cut", "run": "streamed", "request": asked("fault cut")},
]  # fmt: skip
FAULTS = [
    {"kind": "status", "status": 429, "retry_after_s": 30, "contains": "fault 429"},
    {"kind": "status", "status": 400, "contains": "fault 400"},
    {"kind": "status", "status": 500, "contains": "fault 500"},
    {"kind": "cut", "after_tokens": 2, "contains": "fault cut"},
]
ERRORS = {
    "no such model": ("NotFoundError", 404, "model_not_found", "invalid_request_error"),
    "no messages": ("BadRequestError", 400, "bad_request", "invalid_request_error"),
    "no messages streamed": ("BadRequestError", 400, "bad_request", "invalid_request_error"),
    "throttled": ("RateLimitError", 429, "limit_exceeded", "rate_limit_error"),
    "throttled stream": ("RateLimitError", 429, "limit_exceeded", "rate_limit_error"),
    "refused by the provider": ("UnprocessableEntityError", 422, "unprocessable", "invalid_request_error"),
    "provider down": ("InternalServerError", 503, "unavailable", "server_error"),
    "provider down streamed": ("InternalServerError", 503, "unavailable", "server_error"),
    "stream cut": ("APIError", None, "unavailable", "server_error"),
}


def python_client() -> list[str]:
    return [sys.executable, str(SUITE / "runner.py")]


def node_client() -> list[str]:
    what = "the second client of the conformance suite"
    return node_command(SUITE, "runner.mjs", name="gateway-conformance", what=what)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("client", [python_client, node_client])
def test_the_client_understands_everything_the_gateway_says(site: Site, client: Any) -> None:
    command = client()
    embedding = {"provider": "embedded", "model": "all-MiniLM-L6-v2-onnx-int8"}
    site.follow(
        deployments={**site.policy["deployments"], "embedding": embedding},
        aliases={**site.policy["aliases"], "embedding": ["embedding"]},
        breaker={"failures": 1000},
    )
    site.main.follow(
        answer_tokens={"median": 4},
        script=[
            {"tool_calls": [{"name": "get_weather", "arguments": {"city": "Leeds"}}], "when": "weather"},
            {"text": "Grüße, 世界 🌍 !", "when": "世界"},
        ],
    )
    site.main.fail(*FAULTS)
    done = subprocess.run(
        [*command, f"{site.gateway.url}/v1"],
        input=json.dumps(CASES),
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout
    told: dict[str, dict[str, Any]] = json.loads(done.stdout)
    assert told.keys() == {case["name"] for case in CASES}

    words = {"text": "alpha bravo charlie delta", "calls": [], "finish_reason": "stop"}
    used = {"prompt": 2, "completion": 4, "total": 6}
    assert told["text"] == {**words, "usage": used}
    assert told["streamed text"] == {**words, "usage": None, "pieces": 4}
    assert told["streamed usage"] == {**words, "usage": used, "pieces": 4}
    called = {"text": "", "calls": [WEATHER], "finish_reason": "tool_calls"}
    tool_usage = {"prompt": 2, "completion": 2, "total": 4}
    assert told["tool"] == {**called, "usage": tool_usage}
    assert told["streamed tool"] == {**called, "usage": tool_usage, "pieces": 0}
    assert told["other script"]["text"] == "Grüße, 世界 🌍 !"
    assert told["vectors"]["sizes"] == [384, 384]
    assert told["packed vectors"]["sizes"] == [384]
    assert told["vectors"]["usage"] > 0
    assert {"fast", "quality", "cheap"} <= set(told["models"]["names"])
    assert told["models"]["one"] == "fast"
    for name, (kind, status, code, type_) in ERRORS.items():
        error = told[name]
        assert (error["error"], error["status"], error["code"], error["type"]) == (kind, status, code, type_), name
        assert error["message"]
