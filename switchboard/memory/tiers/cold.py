"""The cold tier: records as compressed JSON in files or blobs; a conversation's turns a hundred to a blob."""

import gzip
import logging
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from switchboard.contracts.errors import OurError
from switchboard.sidecar import keys
from switchboard.sidecar.ports import Blobs, StateKey

PAGE_TURNS = 100

logger = logging.getLogger(__name__)


class ColdTier:
    """Records and turns in `blobs`. One writer at a time (the mover's lease); any number of readers."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def record(self, key: StateKey) -> Any | None:
        return _unpacked(await self._blobs.get(keys.cold_record(key)))

    async def keep_record(self, key: StateKey, value: Any) -> None:
        await self._kept(keys.cold_record(key), value)

    async def erase_record(self, key: StateKey) -> None:
        await self._blobs.delete(keys.cold_record(key))

    async def turns(self, tenant: str, conversation_id: str, numbers: Sequence[int]) -> dict[int, Any]:
        """Those of the turns `numbers` that are here."""
        found: dict[int, Any] = {}
        wanted = set(numbers)
        for page in sorted({_page(n) for n in numbers}):
            held: dict[str, Any] = (
                _unpacked(await self._blobs.get(keys.cold_turns(tenant, conversation_id, page))) or {}
            )
            found |= {int(n): value for n, value in held.items() if int(n) in wanted}
        return found

    async def keep_turns(self, tenant: str, conversation_id: str, turns: Mapping[int, Any]) -> None:
        """Adds `turns` to those that are here."""
        for page in sorted({_page(n) for n in turns}):
            name = keys.cold_turns(tenant, conversation_id, page)
            held: dict[str, Any] = _unpacked(await self._blobs.get(name)) or {}
            held |= {str(n): value for n, value in turns.items() if _page(n) == page}
            await self._kept(name, held)

    async def erase_turns(self, tenant: str, conversation_id: str, turn_count: int) -> None:
        for page in range(_page(max(1, turn_count)) + 1):
            await self._blobs.delete(keys.cold_turns(tenant, conversation_id, page))

    async def _kept(self, name: str, value: Any) -> None:
        """Reads back what it wrote: what is kept here is deleted elsewhere."""
        data = gzip.compress(orjson.dumps(value), mtime=0)
        await self._blobs.put(name, data)
        if await self._blobs.get(name) != data:
            logger.error("blob %s does not hold what was written to it", name)
            raise CorruptBlob


class CorruptBlob(OurError):
    """A blob does not hold what was written to it."""

    default = "An older part of the conversation cannot be read. We have been told."


def _page(n: int) -> int:
    return (n - 1) // PAGE_TURNS


def _unpacked(data: bytes | None) -> Any | None:
    if data is None:
        return None
    try:
        return orjson.loads(gzip.decompress(data))
    except (EOFError, OSError, zlib.error, orjson.JSONDecodeError) as error:
        logger.error("a blob of %d bytes is damaged: %s", len(data), error)
        raise CorruptBlob from error
