"""A server that closes an idle connection before its client does may close it while a request is on its way."""

from typing import Any

import pytest
import uvicorn

from services.gateway.providers.openai_compatible import KEEP_ALIVE_S
from switchboard import serve
from tools.simulated_provider import __main__ as simulated_provider

GO_TRANSPORT_S = 90
"""`IdleConnTimeout` of net/http's default transport, which sidecars use."""


@pytest.fixture
def served_with(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    given: dict[str, Any] = {}
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: given.update(options))
    return given


def test_a_service_keeps_idle_connections_longer_than_its_callers_do(
    served_with: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("APP_PORT", "1")
    monkeypatch.setattr(serve, "load", lambda folder: object())
    assert serve.main(["services/gateway"]) == 0
    assert served_with["timeout_keep_alive"] > GO_TRANSPORT_S


def test_the_simulated_provider_keeps_them_longer_than_the_gateway(
    served_with: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.argv", ["simulated_provider", "--port", "1"])
    simulated_provider.main()
    assert served_with["timeout_keep_alive"] > KEEP_ALIVE_S
