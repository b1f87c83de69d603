"""On SIGTERM a turn under way ends for its client, over a real server, before the server cuts its answers."""

import asyncio
import signal
import socket
import subprocess
import sys

import httpx
import pytest
import uvicorn

from services.supervisor.api.application import create_app
from services.supervisor.bootstrap import build
from services.supervisor.settings import Settings
from switchboard.contracts import sse
from switchboard.sidecar.inmemory import InMemorySidecar
from tests.unit.supervisor.conftest import ADA, System, WordEmbedder

MODULE = "tests.unit.supervisor.test_termination"
READY_S_MAX = 60


@pytest.mark.timeout(120)
def test_a_client_hears_that_its_turn_was_interrupted() -> None:
    server = subprocess.Popen([sys.executable, "-m", MODULE], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        url = server.stdout.readline().strip()
        body, headers = {"message": "Show my last invoice"}, ADA | {"Accept": sse.MEDIA_TYPE}
        events: list[sse.Event] = []
        with httpx.stream("POST", f"{url}/v1/chat", json=body, headers=headers, timeout=READY_S_MAX) as answer:
            parser = sse.Parser()
            for chunk in answer.iter_bytes():
                events += parser.feed(chunk)
                if len(events) == 3 and events[-1].event == b"agent.started":
                    server.send_signal(signal.SIGTERM)
        assert events[-1].event == b"turn.failed"
        assert b'"code":"interrupted"' in events[-1].data
        server.wait(READY_S_MAX)
    finally:
        server.kill()
        server.communicate()


class Announced(uvicorn.Server):
    """Prints its address once it takes requests, and its agent can be asked."""

    def __init__(self, system: System) -> None:
        super().__init__(uvicorn.Config(system.app, port=0, log_level="warning", timeout_graceful_shutdown=10))
        self._system = system

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        billing = await self._system.add("billing")
        billing.gate = asyncio.Event()  # never set: its answer never ends
        print(f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}", flush=True)


async def serve() -> None:
    """A supervisor of its own, which the server opens and closes as in production."""
    sidecar = InMemorySidecar()
    supervisor = build(Settings(drain_s=0.2, evaluation_share=0), sidecar, WordEmbedder())
    app = create_app(supervisor)
    async with httpx.AsyncClient() as client:
        await Announced(System(supervisor, sidecar, app, client, {})).serve()


if __name__ == "__main__":
    asyncio.run(serve())
