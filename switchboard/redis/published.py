"""Events that were published, where Redis is the broker: one stream a topic, under the topic's name (`pubsub.redis`).

Redis Streams keep the last 10,000 events of a topic, words and all, and Dapr can publish and subscribe but not delete: for
this alone the stream is asked directly (ADR 0026).
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

from redis.exceptions import RedisError

from switchboard.contracts import topics
from switchboard.contracts.errors import Unavailable
from switchboard.redis.server import RedisServer

TOPICS: Final = (topics.RESULTS, topics.DEAD, topics.CONVERSATION_EVENTS, topics.HANDOVER)
"""Beside those of the agents."""
AGENTS_TOPICS: Final = topics.turns_of("*")
READ_EVENTS: Final = 200
"""In one call."""
ANSWER_S: Final = 10.0


class RedisPublishedEvents:
    """`switchboard.sidecar.published.PublishedEvents`. It connects for each erasure, which is rare."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    async def erase(self, conversation_ids: Collection[str]) -> int:
        """Reads every stream once. A conversation's id is random, so an event that holds it is of that conversation."""
        if not conversation_ids:
            return 0
        marks = [each.encode() for each in conversation_ids]
        client: Any = self._server.client(answer_s=ANSWER_S)
        try:
            async with client:
                found = client.scan_iter(AGENTS_TOPICS, count=1_000, _type="stream")
                streams: list[bytes] = [*(each.encode() for each in TOPICS), *[name async for name in found]]
                return sum([await _erase(client, stream, marks) for stream in streams])
        except (RedisError, OSError) as error:
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
