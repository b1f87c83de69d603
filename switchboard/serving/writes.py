"""One write to the network for all that is said at once.

uvicorn writes the head of an answer, each piece of its body and its end on their own, and uvloop sends each at once. To a
sidecar that streams, each is a piece to read, to frame and to send on, in four processes up to the customer.
"""

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

WAITING_BYTES_MAX: Final = 64 * 1024
"""More than this is sent at once: from there on the transport below says when to pause."""


PASSES: Final = 3
"""Of the loop, some 10 µs each: an answer's head meets its first piece, the last piece the end, which tasks make in turn."""


class JoinedWrites:
    """A transport whose writes of a few passes of the loop leave it together. All else is the transport's below."""

    def __init__(self, below: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.below = below
        self._loop = loop
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0

    def write(self, data: bytes) -> None:
        if not self._waiting:
            self._loop.call_soon(self._pass, PASSES)
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._waiting_bytes > WAITING_BYTES_MAX:
            self._send()

    def close(self) -> None:
        """What was written before is sent first."""
        self._send()
        self.below.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.below, name)

    def _pass(self, left: int) -> None:
        if left > 1:
            self._loop.call_soon(self._pass, left - 1)
        else:
            self._send()

    def _send(self) -> None:
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if waiting and not self.below.is_closing():
            self.below.write(b"".join(waiting))


class JoinedWritesProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, over `JoinedWrites`; a WebSocket has its transport for itself."""

    # Ignored: uvicorn narrows the parameter of asyncio's protocol, too.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(asyncio.Transport, JoinedWrites(transport, self.loop)))

    def handle_websocket_upgrade(self) -> None:
        self.transport = cast(JoinedWrites, self.transport).below
        super().handle_websocket_upgrade()
