"""The model in the unsure band: asked with a form, heard only when it keeps to it, never waited for."""

import asyncio
import json
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from services.supervisor.routing.judge import Judge
from switchboard.routing.decision import Context
from switchboard.sidecar.inmemory import InMemorySidecar
from tests.unit.supervisor.conftest import card

CARDS = [card("billing"), card("tech")]


class Gateway:
    """A gateway whose model says `content`."""

    def __init__(self, content: str = '{"agents": ["tech"]}', owner: str = "openai", status: int = 200) -> None:
        self.content, self.owner, self.status = content, owner, status
        self.asked: list[dict[str, Any]] = []
        self.pause_s = 0.0

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/v1/models")
        async def models():
            return {"data": [{"id": "cheap", "owned_by": self.owner}]}

        @app.post("/v1/chat/completions")
        async def completions(body: dict[str, Any]):
            self.asked.append(body)
            await asyncio.sleep(self.pause_s)
            message = {"role": "assistant", "content": self.content}
            return JSONResponse({"model": "tests-1", "choices": [{"message": message}]}, self.status)

        return app


async def judge_with(gateway: Gateway, seconds_max: float = 5.0) -> Judge:
    sidecar = InMemorySidecar()
    await sidecar.attach("gateway", gateway.app())
    return Judge(sidecar.invoker, "gateway", "cheap", seconds_max=seconds_max)


async def test_a_model_that_can_judge_is_asked_with_a_form() -> None:
    gateway = Gateway()
    judgement = await (await judge_with(gateway)).judge("my box is broken", Context(), CARDS)

    assert judgement is not None
    assert judgement.agents == ("tech",)
    assert judgement.model == "tests-1"
    assert gateway.asked[0]["model"] == "cheap"
    assert gateway.asked[0]["response_format"]["type"] == "json_schema"


async def test_the_embedded_model_is_not_asked() -> None:
    gateway = Gateway(owner="embedded")

    assert await (await judge_with(gateway)).judge("my box is broken", Context(), CARDS) is None
    assert not gateway.asked


@pytest.mark.parametrize(
    "gateway",
    [Gateway("I think it is tech"), Gateway(json.dumps({"agents": ["boss"]})), Gateway("", status=503)],
    ids=["prose", "unknown agent", "refusal"],
)
async def test_without_a_proper_answer_there_is_no_judgement(gateway: Gateway) -> None:
    assert await (await judge_with(gateway)).judge("my box is broken", Context(), CARDS) is None


async def test_a_model_that_is_too_slow_is_not_waited_for() -> None:
    gateway = Gateway()
    gateway.pause_s = 30.0

    assert await (await judge_with(gateway, seconds_max=0.2)).judge("my box is broken", Context(), CARDS) is None


async def test_without_a_gateway_there_is_no_judgement() -> None:
    judge = Judge(InMemorySidecar().invoker, "gateway", "cheap", seconds_max=1.0)

    assert await judge.judge("my box is broken", Context(), CARDS) is None
