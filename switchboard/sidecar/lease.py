"""A lease in the state store: a job that only one replica may do at a time."""

import secrets
import time
from typing import Any

from switchboard.contracts.errors import Conflict
from switchboard.sidecar import keys
from switchboard.sidecar.change import DELETE, Changed, change
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
        try:
            held = await change(self._state, self._key, self._taken, ttl_s=self._seconds * 2, attempts_max=1)
        except Conflict:
            return False  # somebody else is taking it
        return held is not None and held["holder"] == self._holder

    async def give_back(self) -> None:
        """Lets another holder take it at once. Raises `Unavailable`."""
        try:
            await change(self._state, self._key, lambda held: DELETE if self._is_mine(held) else None, attempts_max=1)
        except Conflict:
            return  # it ended, and somebody else took it

    def _taken(self, held: dict[str, Any] | None) -> Changed[dict[str, Any]]:
        if held is not None and not self._is_mine(held) and held["until"] >= time.time():
            return None
        return {"holder": self._holder, "until": time.time() + self._seconds}

    def _is_mine(self, held: dict[str, Any] | None) -> bool:
        return held is not None and held["holder"] == self._holder
