"""State through the sidecar's state store: Redis here, Cosmos DB in Azure."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from dapr.proto import api_v1, common_v1

from switchboard.contracts.errors import Conflict, TooLarge, Unavailable
from switchboard.sidecar.dapr.channel import DaprChannel
from switchboard.sidecar.ports import KEYS_MAX, VALUE_BYTES_MAX, StateItem, StateKey

CALL_TIMEOUT_S = 5.0
WRITES_MAX = 2
"""Of one value under one ETag, where it is unclear whether the first got through."""
_NEVER_AN_ETAG = "-1"
"""Matches no version in Redis (they count from 1) nor in Cosmos DB (quoted GUIDs), so only a new key passes.

The option `first-write` is not used: in Redis it marks the record for good, and a later last-write fails.
"""
_FOREVER = "-1"


class DaprStateStore:
    """`StateStore` on the component `name`; see the port for what it raises."""

    def __init__(self, channel: DaprChannel, name: str) -> None:
        self._channel = channel
        self._name = name

    async def get(self, key: StateKey) -> StateItem | None:
        """One round trip; daprd gives an empty value where nothing is."""
        request = api_v1.GetStateRequest(store_name=self._name, key=key.key, metadata={"partitionKey": key.partition})
        answer = await self._channel.call("get state", self._channel.stub.GetState, request, CALL_TIMEOUT_S)
        return _item(answer.data, answer.etag)

    async def get_many(self, keys: Sequence[StateKey]) -> list[StateItem | None]:
        """One bulk call, in which daprd reads ten keys at a time. Raises `ValueError` above 100 keys."""
        if len(keys) > KEYS_MAX:
            raise ValueError(f"at most {KEYS_MAX} keys at once, not {len(keys)}")
        if not keys:
            return []
        if len(keys) == 1:
            return [await self.get(keys[0])]
        request = api_v1.GetBulkStateRequest(store_name=self._name, keys=[key.key for key in keys], parallelism=10)
        answer = await self._channel.call("get states", self._channel.stub.GetBulkState, request, CALL_TIMEOUT_S)
        found: dict[str, StateItem | None] = {}
        for entry in answer.items:
            if entry.error:
                raise Unavailable()
            found[entry.key] = _item(entry.data, entry.etag)
        return [found.get(key.key) for key in keys]

    async def create(self, key: StateKey, value: Any, *, ttl_s: int | None = None) -> None:
        """A write under an ETag that no version has, so that it passes only where nothing is."""
        state = _state_item(key, value, _NEVER_AN_ETAG, {"ttlInSeconds": str(ttl_s)} if ttl_s else {})
        await self._checked(lambda: self._save(state), key, None)

    async def create_all(
        self, items: Sequence[tuple[StateKey, Any]], *, put: Sequence[tuple[StateKey, Any]] = ()
    ) -> None:
        """One call. Raises `Unavailable` where it failed and all that is there now is ours."""
        created = [_state_item(key, value, _NEVER_AN_ETAG, {}) for key, value in items]
        try:
            await self._save(*_put_items(put), *created)
        except Conflict:
            # Of several some may be written, ours among them: only what is not ours was there before.
            found = await self.get_many([key for key, _ in items])
            if any(item is not None and item.value != value for item, (_, value) in zip(found, items, strict=True)):
                raise
            raise Unavailable() from None

    async def replace(self, key: StateKey, value: Any, *, etag: str, ttl_s: int | None = None) -> None:
        """A write under `etag`; without `ttl_s` an earlier time to live ends."""
        state = _state_item(key, value, etag, {"ttlInSeconds": str(ttl_s) if ttl_s else _FOREVER})
        await self._checked(lambda: self._save(state), key, etag)

    async def replace_all(
        self, items: Sequence[tuple[StateKey, Any, str]], *, put: Sequence[tuple[StateKey, Any]] = ()
    ) -> None:
        """One call. Raises `Unavailable` where it failed and nobody else's value is there."""
        replaced = [_state_item(key, value, etag, {"ttlInSeconds": _FOREVER}) for key, value, etag in items]
        try:
            await self._save(*_put_items(put), *replaced)
        except Conflict:
            # Of several some may be written: neither ours nor the version that we knew is somebody else's.
            found = await self.get_many([key for key, _, _ in items])
            pairs = zip(found, items, strict=True)
            if any(item is None or (item.etag != etag and item.value != value) for item, (_, value, etag) in pairs):
                raise
            raise Unavailable() from None

    async def put(self, key: StateKey, value: Any, *, ttl_s: int | None = None) -> None:
        """A write without an ETag; without `ttl_s` an earlier time to live ends."""
        await self._save(_state_item(key, value, None, {"ttlInSeconds": str(ttl_s) if ttl_s else _FOREVER}))

    async def delete(self, key: StateKey, *, etag: str | None = None) -> None:
        """One round trip; under `etag` it is checked as a write is."""
        request = api_v1.DeleteStateRequest(
            store_name=self._name,
            key=key.key,
            etag=None if etag is None else common_v1.Etag(value=etag),
            metadata={"partitionKey": key.partition},
        )

        async def deleted() -> None:
            await self._channel.call("delete state", self._channel.stub.DeleteState, request, CALL_TIMEOUT_S)

        await (deleted() if etag is None else self._checked(deleted, key, etag))

    async def _checked(self, write: Callable[[], Awaitable[None]], key: StateKey, etag: str | None) -> None:
        """Makes a write that needs the version `etag` (None: that nothing is there).

        `state.redis` answers every such write that fails as a mismatch, an outage too. So a mismatch is believed only
        where a read shows one. Where it shows what the write needed, nothing was written; it is tried once more, since
        a store of weaker consistency (Cosmos DB) may have shown us an older version than the one that was in the way.
        """
        for _ in range(WRITES_MAX):
            try:
                return await write()
            except Conflict:
                found = await self.get(key)
                if (found.etag if found is not None else None) != etag:
                    raise
        raise Unavailable()

    async def _save(self, *states: common_v1.StateItem) -> None:
        request = api_v1.SaveStateRequest(store_name=self._name, states=states)
        await self._channel.call("save state", self._channel.stub.SaveState, request, CALL_TIMEOUT_S)


def _put_items(items: Sequence[tuple[StateKey, Any]]) -> list[common_v1.StateItem]:
    return [_state_item(key, value, None, {"ttlInSeconds": _FOREVER}) for key, value in items]


def _state_item(key: StateKey, value: Any, etag: str | None, metadata: dict[str, str]) -> common_v1.StateItem:
    data = orjson.dumps(value)
    if len(data) > VALUE_BYTES_MAX:
        raise TooLarge("This is more than the conversation can keep.")
    return common_v1.StateItem(
        key=key.key,
        value=data,
        etag=None if etag is None else common_v1.Etag(value=etag),
        metadata={"partitionKey": key.partition, **metadata},
    )


def _item(data: bytes, etag: str) -> StateItem | None:
    """A key that is missing comes back as no bytes."""
    return StateItem(orjson.loads(data), etag) if data else None
