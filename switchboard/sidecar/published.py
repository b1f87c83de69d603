"""What a broker keeps of events after all have taken them, and how somebody's are erased there.

Service Bus keeps nothing. Redis Streams keep the last 10,000 events of a topic, words and all, and Dapr can publish and
subscribe but not delete: for this alone the stream is asked directly (ADR 0026).
"""

import importlib
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any, Final, Protocol

from switchboard.contracts import topics
from switchboard.contracts.errors import Unavailable

TOPICS: Final = (topics.RESULTS, topics.DEAD, topics.CONVERSATION_EVENTS, topics.HANDOVER)
"""Beside those of the agents."""
AGENTS_TOPICS: Final = topics.turns_of("*")
READ_EVENTS: Final = 200
"""In one call."""
CONNECT_S: Final = 2.0
ANSWER_S: Final = 10.0


class PublishedEvents(Protocol):
    """Events that were published, wherever they are kept. May be called concurrently."""

    async def erase(self, conversation_ids: Collection[str]) -> int:
        """Deletes every event of these conversations; how many there were. Raises `Unavailable`: it may be tried again."""
        ...


class NothingKept:
    """Of a broker that keeps nothing."""

    async def erase(self, conversation_ids: Collection[str]) -> int:
        """None are left to erase."""
        return 0


class RedisStreams:
    """The streams of `pubsub.redis`, one a topic under the topic's name. It connects for each erasure, which is rare."""

    def __init__(self, address: str, *, password: str | None = None, tls: bool = False) -> None:
        """`address` is host:port."""
        self._address = address
        self._password = password
        self._tls = tls

    async def erase(self, conversation_ids: Collection[str]) -> int:
        """Reads every stream once. A conversation's id is random, so an event that holds it is of that conversation."""
        if not conversation_ids:
            return 0
        marks = [each.encode() for each in conversation_ids]
        redis: Any = importlib.import_module("redis.asyncio")  # 9 MiB, which a process that erases nothing does without
        host, _, port = self._address.rpartition(":")
        client: Any = redis.Redis(
            host=host,
            port=int(port),
            password=self._password or None,
            ssl=self._tls,
            socket_connect_timeout=CONNECT_S,
            socket_timeout=ANSWER_S,
        )
        try:
            async with client:
                found: AsyncIterator[bytes] = client.scan_iter(AGENTS_TOPICS, count=1_000, _type="stream")
                streams = [*(each.encode() for each in TOPICS), *[name async for name in found]]
                return sum([await _erase(client, stream, marks) for stream in streams])
        except (redis.RedisError, OSError) as error:
            raise Unavailable("This cannot be deleted everywhere just now. Please try again shortly.") from error


async def _erase(client: Any, stream: bytes, marks: Sequence[bytes]) -> int:
    erased, start = 0, "-"
    while True:
        events: Any = await client.xrange(stream, min=start, count=READ_EVENTS)
        if not events:
            return erased
        found = [
            number for number, fields in events if any(mark in value for value in fields.values() for mark in marks)
        ]
        if found:
            erased += int(await client.xdel(stream, *found))
        start = f"({events[-1][0].decode()}"
