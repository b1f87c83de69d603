"""The public port begins a trace of its own; what the sidecar delivers goes on in the one that published it."""

import pytest

from services.supervisor.api.application import is_delivered
from tests.unit.supervisor.conftest import System

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize("flags", ["00", "01"])
async def test_a_client_cannot_choose_the_trace_of_its_turn(system: System, flags: str) -> None:
    answer = await system.ask("Show my last invoice", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-{flags}"})
    assert answer.status_code == 200
    assert answer.json()["trace_id"] not in (TRACE, "0" * 32)


@pytest.mark.parametrize(
    ("path", "token", "is_ours"),
    [
        ("/events/turns.results", b"secret", True),
        ("/events/turns.results", b"guessed", False),
        ("/events/turns.results", b"\xff\xfe", False),
        ("/v1/chat", b"secret", False),
    ],
)
def test_only_deliveries_of_the_sidecar_go_on_in_a_trace(path: str, token: bytes, is_ours: bool) -> None:
    scope = {"type": "http", "path": path, "headers": [(b"dapr-api-token", token)]}
    assert is_delivered(scope, "secret") is is_ours
