"""The real console beside the scripted supervisor, each on a free port of this machine."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from services.console.api.application import create_app
from services.console.bootstrap import build
from services.console.settings import Settings
from tests.unit.console.fake_supervisor import create_fake

START_S_MAX = 10.0


@dataclass(frozen=True, slots=True)
class Servers:
    url: str
    fake: FastAPI
    console: FastAPI


@contextmanager
def served(folder: Path) -> Iterator[Servers]:
    """Both are stopped at the end."""
    api_socket, console_socket = _listening(), _listening()
    api_url, console_url = (f"http://127.0.0.1:{each.getsockname()[1]}" for each in (api_socket, console_socket))
    fake = create_fake(console_url)
    console = create_app(build(Settings(data_dir=folder, api_url=api_url)))
    running = [_run(fake, api_socket), _run(console, console_socket)]
    try:
        yield Servers(console_url, fake, console)
    finally:
        for server, thread in running:
            server.should_exit = True
            thread.join(START_S_MAX)


def _listening() -> socket.socket:
    opened = socket.socket()
    opened.bind(("127.0.0.1", 0))
    return opened


def _run(app: FastAPI, listening: socket.socket) -> tuple[uvicorn.Server, threading.Thread]:
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until = time.monotonic() + START_S_MAX
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    assert server.started
    return server, thread
