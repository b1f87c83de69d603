"""Work after the answer: events that are published without anybody waiting for it."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from switchboard.contracts.errors import SwitchboardError
from switchboard.sidecar.ports import PubSub

WAITING_MAX = 512
"""Publications under way; more are dropped and logged, so that a slow broker holds no turn up."""
CLOSING_S_MAX = 3.0

logger = logging.getLogger(__name__)


class BackgroundPublisher:
    """Publishes in the trace of who asked for it; never raises, never blocks."""

    def __init__(self, pubsub: PubSub) -> None:
        self._pubsub = pubsub
        self._tasks: set[asyncio.Task[None]] = set()

    def publish(self, topic: str, data: Mapping[str, Any], note: Callable[[bool], None] | None = None) -> None:
        """`note` is told whether it was published: what nobody tries again is lost."""
        if len(self._tasks) >= WAITING_MAX:
            logger.error("dropped an event on %s: %d are waiting", topic, WAITING_MAX)
            if note is not None:
                note(False)
            return
        task = asyncio.create_task(self._publish(topic, data, note))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Waits for what is under way, at most three seconds."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=CLOSING_S_MAX)

    async def _publish(self, topic: str, data: Mapping[str, Any], note: Callable[[bool], None] | None) -> None:
        published = False
        try:
            await self._pubsub.publish(topic, data)
            published = True
        except SwitchboardError as error:
            logger.warning("an event on %s was not published: %s", topic, error.code)
        finally:
            if note is not None:
                note(published)
