"""With a token, an agent's turns and sources are for its sidecar alone."""

from pathlib import Path

import httpx
import pytest

from switchboard.agent import Agent, AgentSettings
from switchboard.sidecar.inmemory import InMemorySidecar

FOLDER = Path(__file__).parent / "kiosk"
TURN = {
    "turn_id": "c.1",
    "conversation_id": "c",
    "principal": {"tenant": "aurora", "user": "C-10001"},
    "message": "Hi",
    "deadline": "2020-01-01T00:00:00Z",
}


@pytest.fixture
def client(tmp_path: Path) -> httpx.AsyncClient:
    settings = AgentSettings(model_url="http://127.0.0.1:9/v1", data_dir=tmp_path, app_api_token="secret")
    app = Agent(FOLDER).app(settings, InMemorySidecar())
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://agent")


@pytest.mark.parametrize("headers", [{}, {"dapr-api-token": "guessed"}])
async def test_a_stranger_may_ask_for_neither(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    turn = await client.post("/agent/turns", json=TURN, headers=headers)
    source = await client.post("/agent/sources", json={"uri": "kb://x", "tenant": "aurora"}, headers=headers)
    for refused in (turn, source):
        assert refused.status_code == 401
        assert refused.json()["message"] == "This agent is asked through its sidecar only."


async def test_the_sidecar_is_heard(client: httpx.AsyncClient) -> None:
    answer = await client.post("/agent/turns", json=TURN, headers={"dapr-api-token": "secret"})
    assert answer.status_code == 503  # it is not open yet: what matters is that it was not refused
