"""Who the gateway hears at all, and who reaches its administration: nobody is believed who cannot be known."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from starlette.routing import Route

from services.gateway.admin import routes as admin
from services.gateway.calls.callers import KnownCallers
from services.gateway.calls.endpoint import ModelEndpoint
from services.gateway.settings import Settings
from switchboard.contracts.errors import Unauthenticated
from switchboard.serving import problems

TOKEN, KEY = "token-of-the-sidecar", "key-of-a-program"


def settings(**values: Any) -> Settings:
    return Settings.model_validate({"SWITCHBOARD_DEMO": "0", "APP_API_TOKEN": None, **values})


@pytest.mark.parametrize(
    ("set_up", "sent", "heard"),
    [
        ({"APP_API_TOKEN": TOKEN}, {"dapr-api-token": TOKEN}, True),
        ({"APP_API_TOKEN": TOKEN}, {"dapr-api-token": "guessed"}, False),
        ({"APP_API_TOKEN": TOKEN}, {"dapr-api-token": "gütssed"}, False),
        ({"APP_API_TOKEN": TOKEN}, {"x-switchboard-tenant": "aurora"}, False),
        ({"APP_API_TOKEN": TOKEN, "SWITCHBOARD_DEMO": "1"}, {"x-switchboard-tenant": "aurora"}, False),
        ({"APP_API_TOKEN": TOKEN}, {"authorization": f"Bearer {TOKEN}"}, False),
        ({"SWITCHBOARD_GATEWAY_KEYS": f"other, {KEY}"}, {"authorization": f"Bearer {KEY}"}, True),
        ({"SWITCHBOARD_GATEWAY_KEYS": KEY}, {"authorization": "Bearer "}, False),
        ({"SWITCHBOARD_GATEWAY_KEYS": KEY}, {"authorization": KEY}, False),
        ({"SWITCHBOARD_GATEWAY_KEYS": KEY}, {}, False),
        ({}, {}, False),
        ({}, {"authorization": "Bearer "}, False),
        ({"SWITCHBOARD_DEMO": "1"}, {}, True),
    ],
)
def test_only_known_callers_are_heard(set_up: Mapping[str, str], sent: Mapping[str, str], heard: bool) -> None:
    callers = KnownCallers(settings(**set_up))
    if heard:
        callers.check(sent)
    else:
        with pytest.raises(Unauthenticated):
            callers.check(sent)


async def test_a_call_of_a_stranger_is_refused_before_it_is_read() -> None:
    app = FastAPI()
    endpoint = ModelEndpoint("chat", KnownCallers(settings(APP_API_TOKEN=TOKEN)))
    app.router.routes.append(Route("/v1/chat/completions", endpoint, methods=["POST"]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as client:
        claimed = {"x-switchboard-tenant": "aurora", "x-switchboard-tier": "internal"}
        refused = await client.post("/v1/chat/completions", content=b"{", headers=claimed)
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "unauthenticated"


@asynccontextmanager
async def administration(client: str = "127.0.0.1", **values: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problems.install(app)
    app.state.gateway = SimpleNamespace(settings=settings(**values))
    app.add_api_route("/admin/anything", lambda: "told", dependencies=[Depends(admin.operator)])
    transport = httpx.ASGITransport(app=app, client=(client, 5))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8090") as opened:
        yield opened


DEMO = {"SWITCHBOARD_DEMO": "1"}
GUARDED = {"SWITCHBOARD_GATEWAY_ADMIN_TOKEN": "secret"}
SIGNED = {"authorization": "Bearer secret"}


@pytest.mark.parametrize(
    ("values", "sent", "client", "status"),
    [
        (DEMO, {}, "127.0.0.1", 200),
        (DEMO, {"host": "[::1]:8090"}, "127.0.0.1", 200),
        (DEMO, {}, "10.0.0.9", 403),
        (DEMO, {"dapr-caller-app-id": "billing"}, "127.0.0.1", 403),
        (DEMO, {"host": "rebound.example:8090"}, "127.0.0.1", 403),
        (DEMO, {"host": "["}, "127.0.0.1", 403),
        (DEMO, {"origin": "http://127.0.0.1:3000"}, "127.0.0.1", 403),
        (DEMO, {"origin": "null"}, "127.0.0.1", 403),
        (DEMO, {"sec-fetch-site": "cross-site"}, "127.0.0.1", 403),
        ({}, {}, "127.0.0.1", 403),
        (GUARDED, {}, "127.0.0.1", 401),
        (GUARDED, {"authorization": "Bearer wröng"}, "127.0.0.1", 401),
        (GUARDED, SIGNED, "10.0.0.9", 200),
        (GUARDED, {**SIGNED, "host": "rebound.example"}, "127.0.0.1", 403),
        (GUARDED, {**SIGNED, "origin": "http://localhost"}, "127.0.0.1", 403),
        ({**GUARDED, "SWITCHBOARD_GATEWAY_ADMIN_HOSTS": "gw.internal"}, {**SIGNED, "host": "gw.internal:80"}, "10.0.0.9", 200),
    ],
)  # fmt: skip
async def test_the_administration_answers_no_page_and_nobody_unknown(
    values: dict[str, str], sent: dict[str, str], client: str, status: int
) -> None:
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
    async with administration(client, **values) as opened:
        assert (await opened.get("/admin/anything", headers=encoded)).status_code == status
