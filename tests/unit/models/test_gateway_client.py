"""The client of the gateway: what it sends, what it makes of the answer, and what it says when there is none."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import numpy as np
import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from switchboard.contracts.errors import BadConfiguration, LimitExceeded, SwitchboardError, Unavailable
from switchboard.contracts.turns import Principal
from switchboard.models.caller import Caller
from switchboard.models.gateway import (
    ContentFiltered,
    ContextTooLong,
    GatewayClient,
    GatewayEmbedder,
    url_behind_sidecar,
)
from switchboard.testing.loopback import served
from switchboard.testing.scripted_model import ScriptedModel, Step, build_app

ADA = Principal(tenant="aurora", user="C-10001", tier="professional")
CALLER = Caller.of_turn(ADA, feature="chat", agent="kiosk", conversation="c", turn="c.1")
BODY = {"model": "fast", "messages": [{"role": "user", "content": "Hi"}], "stream": True}


@asynccontextmanager
async def connected(app: Starlette, *, api_token: str | None = None) -> AsyncIterator[GatewayClient]:
    async with served(app) as url:
        client = GatewayClient(f"{url}/v1", api_token=api_token)
        yield client
        await client.close()


def answering(response: Response) -> Starlette:
    async def answer(_: Request) -> Response:
        return response

    return Starlette(routes=[Route("/v1/{path:path}", answer, methods=["GET", "POST"])])


def streaming(*events: bytes) -> Starlette:
    async def body() -> AsyncIterator[bytes]:
        for event in events:
            yield event

    return answering(StreamingResponse(body(), media_type="text/event-stream"))


async def texts_of(client: GatewayClient) -> list[str]:
    async with aclosing(client.chunks(BODY, CALLER)) as reads:
        return [
            choice["delta"].get("content") or ""
            async for chunks in reads
            for each in chunks
            for choice in each["choices"]
        ]


async def test_a_call_carries_its_caller_and_the_sidecars_token() -> None:
    model = ScriptedModel()
    async with connected(build_app(model), api_token="secret") as client:
        assert "".join(await texts_of(client)) == "Your request is done."
    sent = model.requests[0]["headers"]
    ours = {name.removeprefix("x-switchboard-"): value for name, value in sent.items() if "switchboard" in name}
    assert ours == {
        "tenant": "aurora", "user": "C-10001", "tier": "professional", "feature": "chat", "agent": "kiosk",
        "conversation": "c", "turn": "c.1", "lane": "interactive",
    }  # fmt: skip
    assert sent["dapr-api-token"] == "secret"


@pytest.mark.parametrize(
    ("code", "status", "raised"),
    [
        ("context_length_exceeded", 400, ContextTooLong),
        ("content_filter", 400, ContentFiltered),
        ("bad_configuration", 500, BadConfiguration),
        ("unprocessable", 422, Unavailable),
        ("unavailable", 503, Unavailable),
    ],
)
async def test_what_the_gateway_tells_apart_is_kept_apart(
    code: str, status: int, raised: type[SwitchboardError]
) -> None:
    error = {"error": {"message": "secret", "type": "invalid_request_error", "code": code}}
    in_the_stream = streaming(CHUNK, b"data: " + orjson.dumps(error) + b"\n\n")
    for app in (answering(JSONResponse(error, status)), in_the_stream):
        async with connected(app) as client:
            with pytest.raises(raised) as told:
                await texts_of(client)
        assert "secret" not in told.value.message


async def test_a_whole_answer_is_its_words_and_its_model() -> None:
    async with connected(build_app(ScriptedModel())) as client:
        answer = await client.complete({**BODY, "stream": False}, CALLER)
    assert (answer.text, answer.model) == ("Your request is done.", "fast")


CHUNK = b'data: {"choices":[{"delta":{"content":"Half"}}]}\n\n'


@pytest.mark.parametrize(
    ("app", "error"),
    [
        (streaming(CHUNK), Unavailable),
        (streaming(CHUNK, b"data: {broken\n\n"), Unavailable),
        (streaming(CHUNK, b"data: [1]\n\n"), Unavailable),
        (streaming(CHUNK, b'data: {"error":{"message":"secret","type":"server_error"}}\n\n'), Unavailable),
        (streaming(CHUNK, b'data: {"error":{"message":"secret","type":"rate_limit_error"}}\n\n'), LimitExceeded),
        (answering(JSONResponse({"error": {"message": "secret"}}, 500)), Unavailable),
        (answering(JSONResponse({"error": {"message": "secret"}}, 429, {"retry-after": "7"})), LimitExceeded),
    ],
    ids=["cut", "broken", "no object", "told", "limit told", "500", "429"],
)
async def test_a_stream_that_does_not_end_well_is_an_error_in_our_words(
    app: Starlette, error: type[SwitchboardError]
) -> None:
    async with connected(app) as client:
        with pytest.raises(error) as caught:
            await texts_of(client)
    assert "secret" not in caught.value.message


async def test_a_limit_tells_when_to_come_back() -> None:
    async with connected(answering(JSONResponse({}, 429, {"retry-after": "7"}))) as client:
        with pytest.raises(LimitExceeded) as caught:
            await client.complete(BODY, CALLER)
    assert caught.value.retry_after_s == 7


@pytest.mark.parametrize("answer", [JSONResponse({"choices": []}), JSONResponse([]), Response("no")])
async def test_what_is_no_completion_is_unavailable(answer: Response) -> None:
    async with connected(answering(answer)) as client:
        with pytest.raises(Unavailable):
            await client.complete(BODY, CALLER)


async def test_a_gateway_that_is_not_there_is_unavailable() -> None:
    client = GatewayClient("http://127.0.0.1:9/v1")
    with pytest.raises(Unavailable):
        await client.complete(BODY, CALLER)
    with pytest.raises(Unavailable):
        await client.is_embedded("fast")
    await client.close()


async def test_a_failed_call_is_not_repeated() -> None:
    model = ScriptedModel()
    model.steps = [Step(status=500), Step(text="Too late.")]
    async with connected(build_app(model)) as client:
        with pytest.raises(Unavailable):
            await texts_of(client)
    assert len(model.requests) == 1, "the gateway retries; twice would be a multiple"


async def test_texts_are_embedded_for_whoever_asks() -> None:
    model = ScriptedModel()
    async with connected(build_app(model)) as client:
        own = GatewayEmbedder(client, Caller.internal(feature="knowledge"))
        assert (await own.embed([])).shape == (0, 384)
        vectors = await own.embed([f"invoice number{n}" for n in range(70)])
        again = await own.for_caller(CALLER).embed(["invoice number69"])
    assert vectors.shape == (70, 384)
    assert np.allclose(vectors[69], again[0])
    assert own.model_id == "scripted-embedding"


async def test_an_alias_is_embedded_a_language_model_or_neither() -> None:
    model = ScriptedModel()
    for owner, told in (("embedded", (True, False)), ("openai", (False, True))):
        model.owner = owner
        async with connected(build_app(model)) as client:
            assert (await client.is_embedded("scripted"), await client.is_language_model("scripted")) == told
            assert (await client.is_embedded("other"), await client.is_language_model("other")) == (False, False)


def test_who_only_asks_for_owners_does_not_load_openais_client() -> None:
    code = "import sys, switchboard.models.gateway as g; g.GatewayClient('http://127.0.0.1:9/v1'); assert 'openai' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_gateway_is_reached_through_the_processes_own_sidecar() -> None:
    assert url_behind_sidecar(3501, "gateway-t1") == "http://127.0.0.1:3501/v1.0/invoke/gateway-t1/method/v1"
