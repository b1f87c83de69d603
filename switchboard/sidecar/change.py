"""The one optimistic write: read, change, write under the ETag, again while others were faster."""

import inspect
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any, Final, TypeAlias, TypeVar, cast, overload

from pydantic import BaseModel
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from switchboard.contracts.errors import Conflict
from switchboard.sidecar.ports import StateItem, StateKey, StateStore

ATTEMPTS_MAX: Final = 10
JITTER_S: Final = 0.01
"""Before the second attempt at most; doubled for each attempt after it, up to `JITTER_S_MAX`."""
JITTER_S_MAX: Final = 0.25


class Deletion(Enum):
    """What a change returns to delete the record."""

    DELETE = "delete"


DELETE: Final = Deletion.DELETE

Value = TypeVar("Value")
Record = TypeVar("Record", bound=BaseModel)
Changed: TypeAlias = Value | Deletion | None
"""What a change makes of a value: a new one, `DELETE`, or None to leave everything as it is."""
Change: TypeAlias = Callable[[Value | None], Changed[Value] | Awaitable[Changed[Value]]]


@overload
async def change(
    store: StateStore,
    key: StateKey,
    fn: Change[Record],
    model: type[Record],
    *,
    known: StateItem | None = None,
    ttl_s: int | None = None,
    attempts_max: int = ATTEMPTS_MAX,
) -> Record | None: ...


@overload
async def change(
    store: StateStore,
    key: StateKey,
    fn: Change[Any],
    *,
    known: StateItem | None = None,
    ttl_s: int | None = None,
    attempts_max: int = ATTEMPTS_MAX,
) -> Any | None: ...


async def change(
    store: StateStore,
    key: StateKey,
    fn: Change[Any],
    model: type[BaseModel] | None = None,
    *,
    known: StateItem | None = None,
    ttl_s: int | None = None,
    attempts_max: int = ATTEMPTS_MAX,
) -> Any | None:
    """Writes what `fn` makes of the value of `key` (None where nothing is); returns what stands there afterwards.

    With `model` the value is one of it, else what JSON gives. `fn` returns a new value and leaves the one it was given
    as it is; None or an equal value writes nothing, `DELETE` deletes that version. After a lost race it is called
    again, with the newer value: what it does besides must bear that. It may be a coroutine; what it raises ends the
    change. `known` is what was read just now: the first attempt does not read again.

    Raises `Conflict` after `attempts_max` lost races, what the store raises, and `ValidationError` where what stands
    there is no `model`.
    """
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(Conflict),
        stop=stop_after_attempt(attempts_max),
        wait=wait_random_exponential(multiplier=JITTER_S, max=JITTER_S_MAX),
        reraise=True,
    ):
        with attempt:
            item, known = known or await store.get(key), None
            value = item.value if item is not None else None
            before = model.model_validate(value) if model is not None and item is not None else value
            after = fn(before)
            if inspect.isawaitable(after):
                after = await cast(Awaitable[Any], after)
            if after is None or after == before:
                return before
            if after is DELETE:
                if item is not None:
                    await store.delete(key, etag=item.etag)
                return None
            written = after.model_dump(mode="json") if isinstance(after, BaseModel) else after
            if item is None:
                await store.create(key, written, ttl_s=ttl_s)
            else:
                await store.replace(key, written, etag=item.etag, ttl_s=ttl_s)
            return after
    raise AssertionError("tenacity ended without an outcome")
