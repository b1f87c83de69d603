"""Event logs as Redis Streams, one a turn. An entry is a batch of frames, its id `<attempt>-<number of its first frame>`.

Redis refuses an id that is not above the last one: that is the fence, and frames whose append had no answer, but was done,
are not added twice. Every command names one key, so a clustered Redis serves it too.
"""

from collections.abc import Awaitable, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from services.supervisor.turns.streams.port import (
    CALLS_KEPT_S,
    CALLS_MAX,
    END_TYPES,
    ERASED_ATTEMPT,
    KEPT_S,
    Batch,
    Cursor,
    Fenced,
    Frame,
)
from switchboard.contracts.errors import Unavailable
from switchboard.redis.server import ANSWER_S, RedisServer

WAIT_S_MAX = ANSWER_S / 2
"""Of one blocking read: less than what the connection waits for an answer."""
CONNECTIONS_MAX = 512
"""A reader that waits holds one."""
FENCE = b"fence"
"""The one field of an entry without frames."""
_NOT_ABOVE = "equal or smaller"
"""Redis' words for an id that is not above the last one."""


class RedisEventStreams:
    """`EventStreams`. It connects when it is first used, and again by itself."""

    outlives_process = True

    def __init__(self, server: RedisServer) -> None:
        # Who appends holds words back meanwhile, so that nobody waits for a Redis that is away; but a connection that broke
        # while it was idle is none that is away.
        retry = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
        self._redis: Redis = server.client(connections=CONNECTIONS_MAX, retry=retry)

    async def append(self, name: str, attempt: int, frames: Sequence[Frame]) -> None:
        """One write; the log's end is put off with its first frames and with its last."""
        if await self._add(name, attempt, frames):
            return
        last_attempt, last_seq = await self._last(name)
        if last_attempt > attempt:
            raise Fenced
        missing = [each for each in frames if each.seq > last_seq]
        if missing and not await self._add(name, attempt, missing):
            raise Fenced

    async def fence(self, name: str, attempt: int) -> None:
        if not await self._command("XADD", name, f"{attempt}-0", FENCE, ""):
            raise Fenced
        await self._command("EXPIRE", name, KEPT_S)

    async def erase(self, name: str) -> None:
        """An entry that makes room for itself takes all others with it, and the last id stays: that is the fence."""
        await self._command("XADD", name, "MAXLEN", 0, f"{ERASED_ATTEMPT}-0", FENCE, "")
        await self._command("EXPIRE", name, KEPT_S)

    async def read(self, name: str, after: Cursor, *, wait_s: float = 0.0) -> Batch:
        blocking = ["BLOCK", int(min(wait_s, WAIT_S_MAX) * 1000)] if wait_s else []
        answer = await self._command("XREAD", *blocking, "STREAMS", name, f"{after.attempt}-{after.seq}")
        frames: list[Frame] = []
        for entry, fields in _entries(answer):
            after = _cursor(entry)
            frames += [_frame(head, data) for head, data in fields.items() if head != FENCE]
        return Batch(frames, after)

    async def call(self, name: str, message: str) -> None:
        await self._command("XADD", name, "MAXLEN", "~", CALLS_MAX, "*", "call", message)
        await self._command("EXPIRE", name, CALLS_KEPT_S)

    async def calls(self, name: str, after: str, *, wait_s: float) -> tuple[list[str], str]:
        wait_ms = int(min(wait_s, WAIT_S_MAX) * 1000)
        answer = await self._command("XREAD", "BLOCK", wait_ms, "STREAMS", name, after or "0-0")
        told: list[str] = []
        for entry, fields in _entries(answer):
            after = entry.decode()
            told += [message.decode() for message in fields.values()]
        return told, after

    async def close(self) -> None:
        await self._redis.aclose()

    async def _add(self, name: str, attempt: int, frames: Sequence[Frame]) -> bool:
        """Whether it was added: not where the log has such an id, or a later one."""
        fields: list[bytes] = []
        for each in frames:
            fields += (f"{each.seq} {each.type}".encode(), each.data)
        added = await self._command("XADD", name, f"{attempt}-{frames[0].seq}", *fields)
        if added and (frames[0].seq == 1 or frames[-1].type in END_TYPES):
            await self._command("EXPIRE", name, KEPT_S)
        return bool(added)

    async def _last(self, name: str) -> tuple[int, int]:
        """The attempt that wrote last, and its last frame."""
        answer = await self._command("XREVRANGE", name, "+", "-", "COUNT", 1)
        if not answer:
            return 0, 0
        entry, fields = answer[0]
        return _cursor(entry).attempt, max(
            (_frame(head, data).seq for head, data in fields.items() if head != FENCE), default=0
        )

    async def _command(self, *command: Any) -> Any:
        """Its answer; None for an id that is not above the last one. Raises `Unavailable`."""
        try:
            sent: Awaitable[Any] = self._redis.execute_command(*command)
            return await sent
        except ResponseError as error:
            if _NOT_ABOVE in str(error):
                return None
            raise Unavailable from error
        except (RedisError, OSError, TimeoutError) as error:
            raise Unavailable from error


def _entries(answer: Any) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """Ids and fields of the one stream that was read."""
    return answer[0][1] if answer else []


def _cursor(entry: bytes) -> Cursor:
    attempt, _, seq = entry.partition(b"-")
    return Cursor(int(attempt), int(seq))


def _frame(head: bytes, data: bytes) -> Frame:
    seq, _, kind = head.partition(b" ")
    return Frame(int(seq), kind.decode(), data)
