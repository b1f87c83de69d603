"""What is said at once is one write, in its order, and nothing is lost or held back."""

import asyncio
import socket

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from switchboard.serving.writes import PASSES, WAITING_BYTES_MAX, JoinedWrites, JoinedWritesProtocol


class Recorded(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


@pytest.fixture
async def below() -> Recorded:
    return Recorded()


@pytest.fixture
async def transport(below: Recorded) -> JoinedWrites:
    return JoinedWrites(below, asyncio.get_running_loop())


async def _pass(times: int = 1) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


async def test_what_is_written_within_a_few_passes_is_one_write(below: Recorded, transport: JoinedWrites):
    for part in (b"head", b"body", b"end"):
        transport.write(part)
        await _pass()
    transport.write(b"next")
    await _pass(PASSES)
    assert below.sent == [b"headbodyend", b"next"]


async def test_what_was_written_is_sent_before_the_transport_closes(below: Recorded, transport: JoinedWrites):
    transport.write(b"last")
    transport.close()
    await _pass(PASSES)
    assert below.sent == [b"last"] and below.closed


async def test_nothing_is_written_to_a_connection_that_is_gone(below: Recorded, transport: JoinedWrites):
    transport.write(b"lost")
    below.closed = True
    await _pass(PASSES)
    assert below.sent == []


async def test_a_large_body_does_not_wait(below: Recorded, transport: JoinedWrites):
    transport.write(b"x" * (WAITING_BYTES_MAX + 1))
    assert len(below.sent) == 1


async def test_a_server_answers_over_http_and_websockets():
    async def said(_: object) -> PlainTextResponse:
        return PlainTextResponse("hello")

    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        await socket.close()

    app = Starlette(routes=[Route("/", said), WebSocketRoute("/ws", echo)])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, http=JoinedWritesProtocol, log_level="warning"))
        serving = asyncio.create_task(server.serve([listening]))
        port = listening.getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        async with connect(f"ws://127.0.0.1:{port}/ws") as client:
            await client.send("over a socket")
            echoed = await client.recv()
        server.should_exit = True
        await serving
    assert answer.startswith(b"HTTP/1.1 200 OK") and answer.endswith(b"hello")
    assert echoed == "over a socket"
