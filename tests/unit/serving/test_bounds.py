"""What is too large is refused before it is read whole, on the real server; and what every answer tells a browser."""

import http.client
import socket
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from fastapi import Request, WebSocket
from pydantic import BaseModel
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from switchboard import serve
from switchboard.serving.bounds import DRAINED_BYTES_MAX, FRAME_BYTES_MAX
from switchboard.serving.service import create_service

BYTES_MAX = 64 * 1024


class Body(BaseModel):
    text: str


class Seen:
    largest_frame = 0


def app():
    @asynccontextmanager
    async def opened() -> AsyncGenerator[None]:
        yield

    made = create_service(opened, None, body_bytes_max=BYTES_MAX)

    @made.post("/model")
    async def model(body: Body) -> int:
        return len(body.text)

    @made.post("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    @made.websocket("/ws")
    async def ws(connection: WebSocket) -> None:
        await connection.accept()
        while True:
            text = await connection.receive_text()
            Seen.largest_frame = max(Seen.largest_frame, len(text))
            await connection.send_text("taken")

    return made


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app(), **serve.SERVER | {"log_level": "warning"}))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(10)


@pytest.mark.parametrize("path", ["/model", "/raw"])
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_above_the_bound_is_413_and_never_in_memory(port: int, path: str, declared: bool) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(200):
            yield b"x" * 1_000

    content = b"x" * 200_000 if declared else parts()
    answer = httpx.post(f"http://127.0.0.1:{port}{path}", content=content)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert httpx.post(f"http://127.0.0.1:{port}/model", json={"text": "hi"}).json() == 2


def test_the_rest_of_a_huge_body_is_not_waited_for(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("POST", "/raw")
    connection.putheader("content-length", str(10 * DRAINED_BYTES_MAX))
    connection.endheaders()
    connection.send(b"x" * (DRAINED_BYTES_MAX + 100_000))
    assert connection.getresponse().status == 413
    connection.close()


def test_a_frame_above_the_bound_ends_the_connection_before_the_app_sees_it(port: int) -> None:
    with connect(f"ws://127.0.0.1:{port}/ws", max_size=None) as client:
        client.send("x" * FRAME_BYTES_MAX)
        assert client.recv() == "taken"
        with pytest.raises(ConnectionClosed) as closed:
            client.send("x" * 15_000_000)
            client.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009
    assert Seen.largest_frame == FRAME_BYTES_MAX


def test_every_answer_forbids_guessing_and_keeping_and_with_tls_going_back(port: int) -> None:
    url = f"http://127.0.0.1:{port}"
    for answer in (httpx.get(f"{url}/healthz"), httpx.get(f"{url}/nothing"), httpx.post(f"{url}/model", content=b"{")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in answer.headers
        assert "server" not in answer.headers
    secure = httpx.get(f"{url}/healthz", headers={"x-forwarded-proto": "https"})
    assert secure.headers["strict-transport-security"].startswith("max-age=")
