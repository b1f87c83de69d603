"""What a turn's event log must do where all replicas see it.

A log has one writer at a time, the replica with the highest attempt at the turn: `fence` makes that so, and from then on
`append` of an earlier attempt raises `Fenced`. Readers come and go, on any replica. A log lives for `KEPT_S`; what is no
longer there, or never came there while the store was away, is told by the turn's record.

Lifecycle: an adapter is made in `bootstrap.py` and closed with the app; every method may be called concurrently.
Failure: `Unavailable` when the store does not answer; nothing else escapes but `Fenced`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

KEPT_S: Final = 3600
"""Of a log, after its first event and after its last."""
CALLS_MAX: Final = 1_000
"""Of what a replica is told; older ones are dropped."""
CALLS_KEPT_S: Final = 60
ERASED_ATTEMPT: Final = 2**31
"""Above every attempt: who wrote an erased log is fenced."""
END_TYPES: Final = frozenset({"turn.completed", "turn.failed", "turn.cancelled"})
"""Of the last event of a log."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One event, encoded once for all its readers."""

    seq: int
    """Counted from 1 over all attempts at the turn; 0 for one that is made of the record, and has no number."""
    type: str
    data: bytes
    """Its JSON."""


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """How far a log was read: what an adapter gave, in the order of writing."""

    attempt: int = 0
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """What was read at once, and how far that is."""

    frames: Sequence[Frame]
    after: Cursor


class Fenced(Exception):
    """Another replica writes this log now."""


class EventStreams(Protocol):
    """Logs by the name that `keys.turn_events` makes, and calls to replicas by that of `keys.replica_calls`."""

    @property
    def outlives_process(self) -> bool:
        """Whether an empty log means that nothing was said, though the process is gone that would have said it."""
        ...

    async def append(self, name: str, attempt: int, frames: Sequence[Frame]) -> None:
        """Adds frames with rising numbers; those that are there already (an answer was lost) are not added twice.

        Raises `Fenced`.
        """
        ...

    async def fence(self, name: str, attempt: int) -> None:
        """From now on nothing of an earlier attempt is added. Raises `Fenced` where a later one has begun."""
        ...

    async def erase(self, name: str) -> None:
        """Empties a log; nothing is ever added to it again. Again changes nothing."""
        ...

    async def read(self, name: str, after: Cursor, *, wait_s: float = 0.0) -> Batch:
        """All frames behind `after`; where there are none, after `wait_s` at most or when some come."""
        ...

    async def call(self, name: str, message: str) -> None:
        """Tells the replica that listens to `name` something; one that is gone never hears it."""
        ...

    async def calls(self, name: str, after: str, *, wait_s: float) -> tuple[list[str], str]:
        """What was told behind the position `after` ("" for the beginning), and the position behind that."""
        ...

    async def close(self) -> None:
        """Gives the connections back."""
        ...
