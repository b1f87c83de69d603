"""The one optimistic write: read, change, write under the ETag, again while others were faster."""

from collections.abc import Callable
from typing import Any, Final

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from switchboard.contracts.errors import Conflict
from switchboard.sidecar.ports import StateKey, StateStore

ATTEMPTS_MAX: Final = 10
JITTER_S: Final = 0.01
"""Before the second attempt at most; doubled for each attempt after it, up to `JITTER_S_MAX`."""
JITTER_S_MAX: Final = 0.25


async def change(
    store: StateStore,
    key: StateKey,
    fn: Callable[[Any | None], Any | None],
    *,
    ttl_s: int | None = None,
    attempts_max: int = ATTEMPTS_MAX,
) -> Any | None:
    """Writes what `fn` makes of the value of `key` (None where nothing is), and returns it.

    `fn` is pure: after a lost race it is called again, with the newer value. It returns the new value; None or an equal
    value leaves everything as it is. What it raises ends the change.

    Raises `Conflict` after `attempts_max` lost races, and what the store raises.
    """
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(Conflict),
        stop=stop_after_attempt(attempts_max),
        wait=wait_random_exponential(multiplier=JITTER_S, max=JITTER_S_MAX),
        reraise=True,
    ):
        with attempt:
            item = await store.get(key)
            before = item.value if item is not None else None
            after = fn(before)
            if after is None or after == before:
                return before
            if item is None:
                await store.create(key, after, ttl_s=ttl_s)
            else:
                await store.replace(key, after, etag=item.etag, ttl_s=ttl_s)
            return after
    raise Conflict
