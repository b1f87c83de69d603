"""A lease in the state store: a job that only one replica may do at a time."""

import secrets
import time

from switchboard.contracts.errors import Conflict
from switchboard.sidecar import keys
from switchboard.sidecar.ports import StateStore


class Lease:
    """Held for `seconds` after `take`. Replicas' clocks may differ by much less than that.

    Whoever works under a lease must bear that it ends while they work: it keeps double work rare, not impossible.
    """

    def __init__(self, state: StateStore, name: str, seconds: int, holder: str | None = None) -> None:
        self._state = state
        self._key = keys.lease(name)
        self._seconds = seconds
        self._holder = holder or secrets.token_hex(6)

    async def take(self) -> bool:
        """Whether it is held by this holder now, from before or from now on. Raises `Unavailable`."""
        item = await self._state.get(self._key)
        value = {"holder": self._holder, "until": time.time() + self._seconds}
        try:
            if item is None:
                await self._state.create(self._key, value, ttl_s=self._seconds * 2)
            elif item.value["holder"] == self._holder or item.value["until"] < time.time():
                await self._state.replace(self._key, value, etag=item.etag, ttl_s=self._seconds * 2)
            else:
                return False
        except Conflict:
            return False
        return True

    async def give_back(self) -> None:
        """Lets another holder take it at once."""
        item = await self._state.get(self._key)
        if item is not None and item.value["holder"] == self._holder:
            try:
                await self._state.delete(self._key, etag=item.etag)
            except Conflict:
                return
