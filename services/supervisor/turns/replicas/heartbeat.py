"""Which replicas of the supervisor live: each counts a record of its own up, and watches the others' records.

Who is silent is told by the watcher's own clock, so that clocks need not agree. A watcher that could not watch (the store
was away, the process was stopped) begins anew: silence counts only where a heartbeat would have been heard.
"""

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from switchboard.contracts.errors import SwitchboardError
from switchboard.sidecar import keys
from switchboard.sidecar.change import change
from switchboard.sidecar.ports import KEYS_MAX, StateStore

BEAT_S = 2.0
GONE_S = 6.0
"""After so long without a heartbeat a replica is gone."""
KNOWN_S = 2.0
"""Of that, what a replica that was just started counts for those it hears of for the first time: two heartbeats are to come."""
BLIND_S = 3 * BEAT_S
"""Between two looks; after more than that nothing is known of anybody's silence."""
REPLICAS_MAX = 1_000

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Heard:
    beat: int
    at_s: float


class Replicas:
    """This replica's heartbeat, and what it hears of the others'. Call `beat` and `look` every `BEAT_S`."""

    def __init__(self, state: StateStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.id = secrets.token_hex(6)
        self._state = state
        self._clock = clock
        self._beats = 0
        self._heard: dict[str, _Heard] = {}
        self._leaving: set[str] = set()
        self._looked_s: float | None = None
        self._is_indexed = False
        self._is_leaving = False

    async def leave(self) -> None:
        """Says that this replica leaves what it has in hand to the others, which need not wait for its silence.

        Raises `Unavailable`.
        """
        self._is_leaving = True
        await self.beat()

    async def beat(self) -> None:
        """Says that this replica lives. Raises `Unavailable`."""
        if not self._is_indexed:
            await change(self._state, keys.replica_index(), lambda value: _with(value, self.id))
            self._is_indexed = True
        self._beats += 1
        await self._state.put(keys.replica(self.id), {"beat": self._beats, "leaving": self._is_leaving})

    async def look(self) -> list[str]:
        """The replicas that are gone or leave. Raises `Unavailable`, after which nobody's silence counts."""
        now_s = self._clock()
        blind = self._looked_s is None or now_s - self._looked_s > BLIND_S
        try:
            beats = await self._read()
        except SwitchboardError:
            self._looked_s = None
            raise
        first = self._looked_s is None and not self._heard
        self._looked_s = now_s
        for name, (beat, _) in beats.items():
            heard = self._heard.get(name)
            if heard is None:
                self._heard[name] = _Heard(beat, now_s - KNOWN_S if first else now_s)
            elif heard.beat != beat or blind:
                self._heard[name] = _Heard(beat, now_s)
        self._heard = {name: heard for name, heard in self._heard.items() if name in beats}
        self._leaving = {name for name, (_, leaving) in beats.items() if leaving}
        silent = {name for name, heard in self._heard.items() if now_s - heard.at_s >= GONE_S}
        return sorted(silent | self._leaving)

    @property
    def others(self) -> bool:
        """Whether another replica was heard lately that could take what this one leaves."""
        now_s = self._clock()
        return any(now_s - heard.at_s < GONE_S for name, heard in self._heard.items() if name not in self._leaving)

    async def forget(self, replica: str) -> None:
        """Nothing is left of what it had in hand. Raises `Unavailable`, `Conflict`."""
        await change(self._state, keys.replica_index(), lambda value: _without(value, replica))
        await self._state.delete(keys.replica(replica))
        self._heard.pop(replica, None)

    async def _read(self) -> dict[str, tuple[int, bool]]:
        """The last heartbeat of each other replica in the index; 0 where there is none."""
        index = await self._state.get(keys.replica_index())
        indexed = _ids(index.value if index is not None else None)
        self._is_indexed = self.id in indexed  # whoever thought that this replica was gone has taken it out
        ids = [each for each in indexed if each != self.id]
        found: dict[str, tuple[int, bool]] = {}
        for first in range(0, len(ids), KEYS_MAX):
            part = ids[first : first + KEYS_MAX]
            items = await self._state.get_many([keys.replica(each) for each in part])
            for name, item in zip(part, items, strict=True):
                found[name] = (int(item.value["beat"]), bool(item.value["leaving"])) if item is not None else (0, False)
        return found


def _ids(value: Any | None) -> list[str]:
    return list(value["ids"]) if value is not None else []


def _with(value: Any | None, replica: str) -> Any | None:
    ids = _ids(value)
    if replica in ids:
        return None
    if len(ids) >= REPLICAS_MAX:
        logger.error("%d replicas are known, and none is taken in; their turns would not be taken over", REPLICAS_MAX)
        return None
    return {"ids": [*ids, replica]}


def _without(value: Any | None, replica: str) -> Any | None:
    ids = _ids(value)
    return {"ids": [each for each in ids if each != replica]} if replica in ids else None
