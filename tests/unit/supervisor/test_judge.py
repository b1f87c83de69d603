"""The model in the unsure band: asked with a form, heard only when it keeps to it, never waited for."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from services.supervisor.routing.judge import RoutingJudge
from switchboard.contracts.turns import Principal
from switchboard.models.caller import Caller
from switchboard.models.gateway import GatewayClient
from switchboard.routing.decision import Context
from switchboard.testing.loopback import served
from tests.unit.supervisor.conftest import card

CARDS = [card("billing"), card("tech")]


CALLER = Caller.of_turn(
    Principal(tenant="borealis", user="C-10151", tier="enterprise"), feature="routing", conversation="c", turn="c.1"
)


class Gateway:
    """A gateway whose model says `content`."""

    def __init__(self, content: str = '{"agents": ["tech"]}', owner: str = "openai", status: int = 200) -> None:
        self.content, self.owner, self.status = content, owner, status
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.silent = False

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/v1/models")
        async def models():
            return {"data": [{"id": "cheap", "owned_by": self.owner}]}

        @app.post("/v1/chat/completions")
        async def completions(body: dict[str, Any], request: Request):
            self.asked.append(body)
            self.headers.append(dict(request.headers))
            if self.silent:
                await asyncio.Event().wait()
            message = {"role": "assistant", "content": self.content}
            return JSONResponse({"model": "tests-1", "choices": [{"message": message}]}, self.status)

        return app


@asynccontextmanager
async def judging(gateway: Gateway, seconds_max: float = 5.0) -> AsyncIterator[RoutingJudge]:
    async with served(gateway.app()) as url:
        client = GatewayClient(f"{url}/v1")
        yield RoutingJudge(client, "cheap", seconds_max=seconds_max)
        await client.close()


async def test_a_model_that_can_judge_is_asked_with_a_form() -> None:
    gateway = Gateway()
    async with judging(gateway) as judge:
        judgement = await judge.judge("my box is broken", Context(), CARDS, CALLER)

    assert judgement is not None
    assert judgement.agents == ("tech",)
    assert judgement.model == "tests-1"
    assert gateway.asked[0]["model"] == "cheap"
    assert gateway.asked[0]["response_format"]["type"] == "json_schema"
    assert gateway.headers[0]["x-switchboard-cacheable"] == "no"


async def test_the_judges_call_is_its_customers() -> None:
    gateway = Gateway()
    async with judging(gateway) as judge:
        await judge.judge("my box is broken", Context(), CARDS, CALLER)

    told = {name: gateway.headers[0].get(f"x-switchboard-{name}") for name in ("tenant", "tier", "feature", "turn")}
    assert told == {"tenant": "borealis", "tier": "enterprise", "feature": "routing", "turn": "c.1"}


async def test_the_embedded_model_is_not_asked() -> None:
    gateway = Gateway(owner="embedded")

    async with judging(gateway) as judge:
        assert await judge.judge("my box is broken", Context(), CARDS, CALLER) is None
    assert not gateway.asked


@pytest.mark.parametrize(
    "gateway",
    [Gateway("I think it is tech"), Gateway(json.dumps({"agents": ["boss"]})), Gateway("", status=503)],
    ids=["prose", "unknown agent", "refusal"],
)
async def test_without_a_proper_answer_there_is_no_judgement(gateway: Gateway) -> None:
    async with judging(gateway) as judge:
        assert await judge.judge("my box is broken", Context(), CARDS, CALLER) is None


async def test_a_model_that_is_too_slow_is_not_waited_for() -> None:
    gateway = Gateway()
    gateway.silent = True

    async with judging(gateway, seconds_max=0.2) as judge:
        assert await judge.judge("my box is broken", Context(), CARDS, CALLER) is None


async def test_without_a_gateway_there_is_no_judgement() -> None:
    judge = RoutingJudge(GatewayClient("http://127.0.0.1:9/v1"), "cheap", seconds_max=1.0)

    assert await judge.judge("my box is broken", Context(), CARDS, CALLER) is None
