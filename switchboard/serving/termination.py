"""Knowing that the process is to end, while its answers are still open.

A server first waits for open answers and only then closes the app: whoever has to end them must hear of it before.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def on_termination(callback: Callable[[], object]) -> Generator[None]:
    """Calls `callback` in the running loop when SIGTERM or SIGINT comes, before the server's own handler.

    Outside the main thread (a test's portal) no signal arrives, and nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {each: signal.getsignal(each) for each in SIGNALS}

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(callback)
        server = before[signal.Signals(number)]
        if callable(server):
            server(number, frame)

    for each in SIGNALS:
        signal.signal(each, handle)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
