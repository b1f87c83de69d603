"""The running gateway process, used with the official OpenAI client; and in front of an OpenAI-protocol server."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest

from switchboard.system.ports import free_port

ROOT = Path(__file__).parents[2]
START_S = 90
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "track_parcel",
            "description": 'Tells where a parcel is.\n\nExamples: "Where is my parcel?"; "Track PX123456"',
            "parameters": {
                "type": "object",
                "properties": {"parcel": {"type": "string", "pattern": "^PX\\d{6}$"}},
                "required": ["parcel"],
            },
        },
    }
]


@contextmanager
def process(arguments: list[str], port: int, **environment: str) -> Iterator[str]:
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("OPENAI_", "AZURE_", "OTEL_", "APPLICATIONINSIGHTS"))
    }
    data_dir = tempfile.mkdtemp(prefix="switchboard-gateway-")  # not the ledger of whoever develops here
    running = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**kept, "PYTHONPATH": str(ROOT), "APP_PORT": str(port), "SWITCHBOARD_DATA_DIR": data_dir, **environment},
    )
    url = f"http://127.0.0.1:{port}"
    try:
        give_up = time.monotonic() + START_S
        while True:
            try:
                if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            assert running.poll() is None and time.monotonic() < give_up, "the process did not become ready"
            time.sleep(0.1)
        yield url
    finally:
        running.terminate()
        running.wait(timeout=15)
        shutil.rmtree(data_dir, ignore_errors=True)


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    port = free_port()
    with process(["-m", "switchboard.serve", "services/gateway"], port) as url:
        yield url


@pytest.fixture(scope="module")
def proxied() -> Iterator[str]:
    """A gateway whose provider is another process that speaks OpenAI's protocol."""
    upstream, port = free_port(), free_port()
    with (
        process([str(Path(__file__).parent / "openai_server.py"), str(upstream)], upstream) as provider,
        process(
            ["-m", "switchboard.serve", "services/gateway"],
            port,
            OPENAI_BASE_URL=f"{provider}/v1",
            OPENAI_API_KEY="secret",
            OPENAI_MODEL="gpt-4o-mini",
            SWITCHBOARD_MODEL_FIRST_TOKEN_S="1",
            SWITCHBOARD_MODEL_TOTAL_S="2",
        ) as url,
    ):
        yield url


def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="-", max_retries=0)


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def test_a_chat_with_tools_asks_for_the_call_and_answers_from_its_result(gateway: str):
    messages = user("Where is PX123456?")
    first = client(gateway).chat.completions.create(model="fast", messages=messages, tools=TOOLS)
    calls = first.choices[0].message.tool_calls
    assert calls and first.choices[0].finish_reason == "tool_calls"
    assert calls[0].function.arguments == '{"parcel":"PX123456"}'
    messages += [
        first.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": calls[0].id, "content": '{"facts":["It is in Leeds."]}'},
    ]
    second = client(gateway).chat.completions.create(model="fast", messages=messages, tools=TOOLS)
    assert second.choices[0].message.content == "It is in Leeds."
    assert second.usage and second.usage.total_tokens > 0
    assert (second.usage.model_extra or {})["cost_usd"] == 0.0


def test_a_streamed_chat_gives_words_calls_and_usage(gateway: str):
    with client(gateway).chat.completions.stream(
        model="fast", messages=user("Where is PX123456?"), tools=TOOLS, stream_options={"include_usage": True}
    ) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.tool_calls[0].function.arguments == '{"parcel":"PX123456"}'
    assert final.usage.total_tokens > 0
    chunks = list(
        client(gateway).chat.completions.create(
            model="fast", messages=user("Where is my parcel?"), tools=TOOLS, stream=True
        )
    )
    words = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content]
    assert len(words) > 1
    assert "".join(words).endswith("?")
    assert all(chunk.choices for chunk in chunks), "usage was not asked for"


def test_embeddings_come_as_floats_and_as_base64(gateway: str):
    embed = client(gateway).embeddings.create
    floats = embed(model="embedding", input=["a parcel", "a package"], encoding_format="float")
    packed = embed(model="embedding", input=["a parcel", "a package"])
    assert np.allclose([row.embedding for row in floats.data], [row.embedding for row in packed.data], atol=1e-6)
    assert np.dot(floats.data[0].embedding, floats.data[1].embedding) > 0.5
    assert floats.usage.prompt_tokens > 0


async def test_the_gateway_embedder_reads_the_same_vectors(gateway: str):
    from switchboard.models import MiniLmEmbedder
    from switchboard.models.caller import Caller
    from switchboard.models.gateway import GatewayClient, GatewayEmbedder

    through = GatewayClient(f"{gateway}/v1")
    remote = GatewayEmbedder(through, Caller.internal(feature="knowledge"))
    texts = [f"text {n}" for n in range(70)]
    vectors = await remote.embed(texts)
    assert np.allclose(vectors, await MiniLmEmbedder().embed(texts), atol=1e-5)
    assert remote.model_id == MiniLmEmbedder().model_id
    await through.close()


def test_models_are_listed(gateway: str):
    assert {"fast", "quality", "cheap", "embedding"} <= {model.id for model in client(gateway).models.list()}
    assert client(gateway).models.retrieve("fast").owned_by == "embedded"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_request"),
        (b"[]", 400, "bad_request"),
        (b'{"model":"fast"}', 400, "bad_request"),
        (b'{"model":"fast","messages":[{"role":"king","content":"x"}]}', 400, "bad_request"),
        (b'{"model":"fast","messages":[{"role":"user","content":[{"type":"image_url"}]}]}', 400, "bad_request"),
        (b'{"model":"nope","messages":[{"role":"user","content":"x"}]}', 404, "model_not_found"),
        (b'{"model":"fast","messages":"' + b"x" * 1_100_000 + b'"}', 413, "too_large"),
    ],
)
def test_a_bad_request_is_refused_in_openais_shape(gateway: str, body: bytes, status: int, code: str):
    response = httpx.post(f"{gateway}/v1/chat/completions", content=body)
    assert response.status_code == status
    told = response.json()
    assert told["error"]["code"] == code
    assert told["error"]["message"] == told["message"]
    assert told["trace_id"]


def test_the_openai_client_raises_its_own_errors(gateway: str):
    with pytest.raises(openai.NotFoundError):
        client(gateway).chat.completions.create(model="nope", messages=user("x"))
    with pytest.raises(openai.BadRequestError):
        client(gateway).chat.completions.create(model="fast", messages=[])


def test_a_providers_answer_passes_through_with_its_cost(proxied: str):
    answer = client(proxied).chat.completions.create(model="quality", messages=user("hello"))
    assert answer.choices[0].message.content == "model gpt-4o-mini, key Bearer secret"
    assert answer.usage and (answer.usage.model_extra or {})["cost_usd"] > 0
    assert (answer.usage.model_extra or {})["cost_picousd"] == price_of(answer.usage)


def test_a_providers_stream_passes_through_and_usage_only_where_asked(proxied: str):
    create = client(proxied).chat.completions.create
    chunks = list(create(model="fast", messages=user("hello"), stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "one two three"
    asked = user("hello again")  # another question: the same one would be answered from the cache
    told = list(create(model="fast", messages=asked, stream=True, stream_options={"include_usage": True}))[-1]
    assert told.usage and (told.usage.model_extra or {})["cost_usd"] > 0
    assert (told.usage.model_extra or {})["cost_picousd"] == price_of(told.usage)
    assert "cache" not in (told.usage.model_extra or {})


def price_of(usage: Any) -> int:
    """Picodollars of gpt-4o-mini."""
    return usage.prompt_tokens * 150_000 + usage.completion_tokens * 600_000


@pytest.mark.parametrize(
    ("fault", "status"),
    [("401", 500), ("404", 500), ("429", 429), ("400", 422), ("500", 503), ("hang", 504), ("garbage", 503)],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_providers_failure_is_told_in_our_words(proxied: str, fault: str, status: int, stream: bool):
    body = {"model": "fast", "stream": stream, "messages": user(f"fault {fault}")}
    response = httpx.post(f"{proxied}/v1/chat/completions", json=body, timeout=10)
    assert response.status_code == status
    assert "provider-secret" not in response.text
    assert response.json()["error"]["message"]
    if fault == "429":
        assert response.headers["retry-after"] == "7"


def test_a_stream_that_breaks_ends_with_an_error_event(proxied: str):
    with pytest.raises(openai.APIError):
        list(client(proxied).chat.completions.create(model="fast", messages=user("fault cut"), stream=True))


def test_embeddings_stay_with_the_embedded_model_when_a_provider_is_configured(proxied: str):
    assert len(client(proxied).embeddings.create(model="embedding", input="x").data[0].embedding) == 384
