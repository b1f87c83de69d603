"""One pipelined connection to Redis for the scripts on a call's way.

What is sent in one turn of the event loop goes out in one write: of one call, its limits and its look into the cache, and
what other calls send at that moment. What must survive the death of this process is sent `now`: it is on the wire when
`send` returns, before its answer is there. ADR 0013 has the figures.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Sequence
from typing import Any

from hiredis import pack_command
from redis.asyncio.connection import Connection, SSLConnection
from redis.exceptions import NoScriptError, RedisError

from services.gateway.redis.scripts import PIPED, LuaScript
from switchboard.redis.server import ANSWER_S, RedisServer

logger = logging.getLogger(__name__)

RECONNECT_S_MAX = 2.0
PENDING_MAX = 10_000
"""Commands without an answer; more are refused as if Redis were away."""


class RedisAway(Exception):
    """Redis does not answer. What was sent may or may not have been done."""


class Wire(Connection):
    """A connection that can be written to without waiting; what may be due is bounded by `PENDING_MAX`."""

    _writer: asyncio.StreamWriter | None

    def write(self, commands: bytes) -> None:
        """Raises `OSError`."""
        if self._writer is None:
            raise ConnectionResetError("The connection to Redis is closed.")
        self._writer.write(commands)

    def close(self) -> None:
        """At once; the task that reads it sees that."""
        if self._writer is not None:
            self._writer.close()


class SecureWire(Wire, SSLConnection):
    """The same over TLS; the server's certificate is verified."""


class Pipe:
    """Open it once, share it by all tasks of one event loop. It connects again by itself."""

    def __init__(self, server: RedisServer, *, timeout_s: float = ANSWER_S) -> None:
        """`timeout_s`: after so long without an answer, Redis counts as away."""
        self._server = server
        self._digests: dict[str, str] = {}
        self._timeout_s = timeout_s
        self._connection: Wire | None = None
        self._pending: deque[asyncio.Future[Any]] = deque()
        self._unsent: list[bytes] = []
        self._keeper: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()

    @property
    def is_up(self) -> bool:
        return self._connection is not None

    async def open(self) -> None:
        """Returns when connected, or after the timeout: then it goes on trying."""
        self._keeper = asyncio.create_task(self._keep(), name="redis-pipe")
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._connected.wait()
        except TimeoutError:
            logger.warning(
                "Redis at %s:%d does not answer; the gateway goes on without it.", self._server.host, self._server.port
            )

    async def close(self) -> None:
        """Waits (at most the timeout) for answers still due, then disconnects."""
        self._flush()
        if self._pending:
            await asyncio.wait(list(self._pending), timeout=self._timeout_s)
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        self._drop()

    def send(
        self, script: LuaScript, keys: Sequence[str], arguments: Sequence[Any], *, now: bool = False
    ) -> asyncio.Future[Any]:
        """The future of its answer, which fails with `RedisAway`; raises that where Redis is known to be away.

        `now` puts the command on the wire at once, else it goes in the next turn of the event loop.
        """
        connection = self._connection
        if connection is None or len(self._pending) >= PENDING_MAX:
            raise RedisAway
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._pending.append(answer)
        # redis-py's own packing, in Python, takes twenty times as long.
        command: Any = ("EVALSHA", self._digests[script.name], len(keys), *keys, *arguments)
        self._unsent.append(pack_command(command))
        if now:
            self._flush()
        elif len(self._unsent) == 1:
            loop.call_soon(self._flush)
        return answer

    async def answer(self, due: asyncio.Future[Any]) -> Any:
        """What `send` promised, within the timeout. Raises `RedisAway`."""
        connection = self._connection
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.shield(due)  # a caller that gives up must not lose what comes
        except TimeoutError as error:
            if connection is not None:
                self._broken(connection)
            raise RedisAway from error
        except RedisError as error:
            logger.error("Redis refused a script: %s", error)
            if isinstance(error, NoScriptError) and connection is not None:
                self._broken(connection)  # somebody flushed them: the next connection loads them again
            raise RedisAway from error

    def _flush(self) -> None:
        if not self._unsent or self._connection is None:
            return
        commands = b"".join(self._unsent)
        self._unsent.clear()
        try:
            self._connection.write(commands)
        except OSError:
            self._drop()

    async def _keep(self) -> None:
        """Connects, reads answers until the connection breaks, and begins again."""
        wait_s = 0.05
        while True:
            try:
                async with asyncio.timeout(max(self._timeout_s, 1.0)):
                    connection = await self._connect()
            except (RedisError, OSError, TimeoutError):
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, RECONNECT_S_MAX)
                continue
            wait_s = 0.05
            self._connection = connection
            self._connected.set()
            await self._read(connection)
            self._broken(connection)

    async def _connect(self) -> Wire:
        kind = SecureWire if self._server.tls else Wire
        connection = kind(**self._server.settings(), socket_timeout=None, socket_keepalive=True)
        await connection.connect()
        for script in PIPED:
            await connection.send_command("SCRIPT", "LOAD", script.text, check_health=False)
            digest = await connection.read_response()
            self._digests[script.name] = digest.decode() if isinstance(digest, bytes) else str(digest)
        return connection

    async def _read(self, connection: Wire) -> None:
        while self._connection is connection:
            result: Any
            try:
                result = await connection.read_response(timeout=math.inf)
            except RedisError as error:
                if not connection.is_connected:
                    return
                result = error
            except OSError:
                return
            if not self._pending:
                logger.error("Redis answered what was not asked.")
                return
            due = self._pending.popleft()
            if due.done():
                continue  # nobody waits any more
            if isinstance(result, Exception):
                due.set_exception(result)
            else:
                due.set_result(result)

    def _broken(self, connection: Wire) -> None:
        if self._connection is connection:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._connected.clear()
        self._unsent.clear()
        while self._pending:
            due = self._pending.popleft()
            if not due.done():
                due.set_exception(RedisAway())
                due.exception()  # marked as seen: not everybody waits for an answer
        if connection is not None:
            connection.close()
