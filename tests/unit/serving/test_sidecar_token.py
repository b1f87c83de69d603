"""A request that is not the sidecar's is refused, whatever bytes it brings; it never breaks the service."""

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from switchboard.contracts.app_token import is_from_sidecar
from switchboard.sidecar.subscriptions import subscribe

TOKEN = "s3cret"


class Event(BaseModel):
    n: int


@pytest.mark.parametrize(
    ("header", "token", "passes"),
    [
        (None, None, True),
        ("anything", "", True),
        (TOKEN, TOKEN, True),
        (None, TOKEN, False),
        ("guessed", TOKEN, False),
        ("ümlaut", TOKEN, False),
        ("ümlaut", "ümlaut", True),
    ],
)
def test_only_the_sidecar_passes(header: str | None, token: str | None, passes: bool) -> None:
    assert is_from_sidecar(header, token) is passes


@pytest.mark.parametrize("token", [b"guessed", b"\xff\xfe\xe9", "s3crét".encode()])
async def test_an_event_with_any_other_token_is_refused_with_401(token: bytes) -> None:
    app, heard = FastAPI(), []

    async def hear(event: Event) -> None:
        heard.append(event)

    subscribe(app, "news", hear, model=Event, app_token=TOKEN)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
        answer = await client.post("/events/news", json={"data": {"n": 1}}, headers=[(b"dapr-api-token", token)])
        assert answer.status_code == 401
        assert (
            await client.post("/events/news", json={"data": {"n": 1}}, headers={"dapr-api-token": TOKEN})
        ).is_success
    assert heard == [Event(n=1)]
