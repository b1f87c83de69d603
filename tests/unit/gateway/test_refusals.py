"""What a provider's refusal means: told by its code where it gives one, by its sentence where it does not."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from services.gateway.providers.openai_compatible import OpenAiCompatible, error_of, refusal_in
from services.gateway.providers.port import Call, ContentFiltered, ContextTooLong, KeyRefused
from switchboard.contracts.errors import Unprocessable
from switchboard.contracts.model_errors import CONTENT_FILTER, CONTEXT_LENGTH_EXCEEDED
from switchboard.testing.loopback import served
from tools.simulated_provider.faults import FaultRules
from tools.simulated_provider.model import SimulatedModel
from tools.simulated_provider.profile import Profile
from tools.simulated_provider.server import app_of

TOO_LONG: list[dict[str, Any]] = [
    {"error": {"code": "context_length_exceeded", "message": "Too long."}},
    {"error": {"code": 400, "message": "This model's maximum context length is 4096 tokens. You requested 5000."}},
    {"error": {"type": "exceed_context_size_error", "message": "the request exceeds the available context size"}},
    {"error": {"type": "invalid_request_error", "message": "prompt is too long: 210000 tokens > 200000 maximum"}},
    {"error": {"message": "The input token count (9) exceeds the maximum number of tokens allowed (8)."}},
    {"object": "error", "message": "Prompt contains 9 tokens, too large for model with 8 maximum context length"},
]
FILTERED: list[dict[str, Any]] = [
    {"error": {"code": "content_filter", "message": "The response was filtered.", "status": 400}},
    {"error": {"code": "x", "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}}}},
]
OTHERS: list[Any] = [{"error": {"code": "invalid_value", "message": "temperature"}}, {"error": "no"}, [], None, "x"]


@pytest.mark.parametrize("body", TOO_LONG, ids=str)
def test_a_request_that_is_too_long_is_known(body: dict[str, Any]) -> None:
    assert refusal_in(orjson.dumps(body)) == CONTEXT_LENGTH_EXCEEDED
    assert isinstance(error_of(400, None, CONTEXT_LENGTH_EXCEEDED), ContextTooLong)


@pytest.mark.parametrize("body", FILTERED, ids=str)
def test_what_the_filter_refused_is_known(body: dict[str, Any]) -> None:
    assert refusal_in(orjson.dumps(body)) == CONTENT_FILTER
    assert isinstance(error_of(400, None, CONTENT_FILTER), ContentFiltered)


@pytest.mark.parametrize("body", OTHERS, ids=str)
def test_any_other_refusal_is_the_callers_fault(body: Any) -> None:
    assert refusal_in(orjson.dumps(body)) == refusal_in(b"{no json") == ""
    assert type(error_of(400, None, "")) is Unprocessable


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_an_operators_matter(status: int) -> None:
    assert isinstance(error_of(status, None), KeyRefused)


@asynccontextmanager
async def provider(model: SimulatedModel) -> AsyncIterator[OpenAiCompatible]:
    async with served(app_of(model)) as url:
        opened = OpenAiCompatible(base_url=f"{url}/v1", api_key=None)
        await opened.open()
        yield opened
        await opened.close()


def asked(**more: Any) -> Call:
    return Call("m", {"messages": [{"role": "user", "content": "hello"}], **more})


@pytest.mark.parametrize("body", [TOO_LONG[1], FILTERED[1]], ids=["too long", "filtered"])
async def test_the_body_of_a_refusal_is_read_and_never_passed_on(body: Mapping[str, Any]) -> None:
    model = SimulatedModel()
    model.faults.replace(FaultRules.model_validate({"faults": [{"kind": "status", "status": 400, "body": body}]}))
    async with provider(model) as opened:
        for call in (opened.chat, opened.stream):
            with pytest.raises(ContextTooLong if body is TOO_LONG[1] else ContentFiltered) as raised:
                await call(asked())
            assert "4096" not in raised.value.message


async def test_a_provider_gets_our_id_under_the_name_that_none_takes_for_its_own() -> None:
    """`llama-cpp-python` answers an `x-request-id` that is no UUID with 400."""
    sent: dict[str, str] = {}

    async def answer(request: Request) -> JSONResponse:
        sent.update(request.headers)
        return JSONResponse({"choices": [], "usage": {}})

    async with served(Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])])) as url:
        opened = OpenAiCompatible(base_url=f"{url}/v1", api_key=None)
        await opened.open()
        await opened.chat(Call("m", {"messages": []}, "abc.1"))
        await opened.close()
    assert sent["x-client-request-id"] == "abc.1"
    assert "x-request-id" not in sent


async def test_a_refusal_and_a_finish_reason_are_passed_on() -> None:
    script = [{"refusal": "I can not.", "finish_reason": "content_filter", "when": "hello"}]
    async with provider(SimulatedModel(Profile.model_validate({"script": script}))) as opened:
        answer = await opened.chat(asked())
        assert answer.body["choices"][0]["message"]["refusal"] == "I can not."
        assert answer.finish_reason == "content_filter"
