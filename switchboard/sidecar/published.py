"""What a broker keeps of events after all have taken them, and how somebody's are erased there (ADR 0026).

Service Bus keeps nothing. Redis does: `switchboard.redis.published`.
"""

from collections.abc import Collection
from typing import Protocol


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
