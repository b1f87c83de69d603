"""What a service may ask of its sidecar: state, pub/sub, invocation. Adapters: `dapr/` (real), `inmemory/` (tests).

Lifecycle: an adapter is made in a service's `bootstrap.py`, opened and closed with the app's lifespan, and
shared by all its requests; every method may be called concurrently. Failure: what the sidecar cannot do now
raises `Unavailable`; a lost race for an ETag raises `Conflict`; a value above 1 MiB or an event above 240 KiB raises
`TooLarge`; nothing else escapes.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

VALUE_BYTES_MAX: Final = 1024 * 1024
"""Of one state value as JSON; Cosmos DB refuses documents above 2 MB."""
KEYS_MAX: Final = 100
"""Of one `get_many`."""
EVENT_BYTES_MAX: Final = 240 * 1024
"""Of one published event's data; Service Bus (standard tier) refuses messages above 256 KB."""
BODY_BYTES_MAX: Final = 1024 * 1024
"""Of the answer of an invocation that is read whole."""
BLOB_BYTES_MAX: Final = 3 * 1024 * 1024
"""Of one blob: daprd takes bodies of 4 MiB, and base64 is a third longer than what it holds."""


@dataclass(frozen=True, slots=True)
class StateKey:
    """A key and the Cosmos partition it lives in. Made only by `switchboard.sidecar.keys`."""

    key: str
    partition: str


@dataclass(frozen=True, slots=True)
class StateItem:
    """A value and its version."""

    value: Any
    """What JSON gives: dict, list, str, number, bool."""
    etag: str


class StateStore(Protocol):
    """JSON values by key, each with an ETag; one component of daprd's. Nothing here is a transaction."""

    async def get(self, key: StateKey) -> StateItem | None:
        """None where nothing is, or its time to live is over."""
        ...

    async def get_many(self, keys: Sequence[StateKey]) -> list[StateItem | None]:
        """In the order of `keys`; at most 100 of them."""
        ...

    async def create(self, key: StateKey, value: Any, *, ttl_s: int | None = None) -> None:
        """Writes only where nothing is yet (first write wins). Raises `Conflict`."""
        ...

    async def create_all(
        self, items: Sequence[tuple[StateKey, Any]], *, put: Sequence[tuple[StateKey, Any]] = ()
    ) -> None:
        """As `create`, several in one call; each by itself, so that of several some may be written. Raises `Conflict`.

        `put` are written over whatever is there, in the same call.
        """
        ...

    async def replace(self, key: StateKey, value: Any, *, etag: str, ttl_s: int | None = None) -> None:
        """Writes only over the version that `etag` names, or where nothing is any more. Raises `Conflict`."""
        ...

    async def replace_all(
        self, items: Sequence[tuple[StateKey, Any, str]], *, put: Sequence[tuple[StateKey, Any]] = ()
    ) -> None:
        """Writes each value over the version that its ETag names, and `put` over anything, in one call and no transaction.

        Raises `Conflict` when one of them was changed; the others may be written then.
        """
        ...

    async def put(self, key: StateKey, value: Any, *, ttl_s: int | None = None) -> None:
        """Writes whatever is there (last write wins): for leases and heartbeats only."""
        ...

    async def delete(self, key: StateKey, *, etag: str | None = None) -> None:
        """Deletes what is there; with `etag` only that version of it: over another one it raises `Conflict`.

        Whether it also does where nothing is any more differs from store to store.
        """
        ...


class Blobs(Protocol):
    """Named byte strings, slow and cheap. Names are made by `switchboard.sidecar.keys`."""

    async def put(self, name: str, data: bytes) -> None:
        """Writes over what is there; at most 3 MiB. Raises `TooLarge`."""
        ...

    async def get(self, name: str) -> bytes | None:
        """None where there is no blob of that name."""
        ...

    async def delete(self, name: str) -> None:
        """Deletes what is there, if anything is."""
        ...


class PubSub(Protocol):
    """Events to a broker that delivers each at least once, in no certain order."""

    async def publish(self, topic: str, data: Mapping[str, Any]) -> None:
        """Returns when the broker has it. The current trace context travels in the CloudEvent."""
        ...


class Response(Protocol):
    """A streamed answer of an invoked service."""

    @property
    def status(self) -> int:
        """The HTTP status that the invoked app answered with, an error's too."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, cut anywhere. Raises `Unavailable` when the sidecar's connection breaks.

        An answer that the app itself breaks off ends early and raises nothing: daprd closes it like a whole one.
        Whoever reads a stream must look for its last event.
        """
        ...

    async def body(self) -> bytes:
        """The whole body, at most 1 MiB of it."""
        ...


class Invoker(Protocol):
    """HTTP calls of other apps by their app id, balanced over their replicas."""

    def open(
        self,
        app_id: str,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 60.0,
        method: str = "POST",
    ) -> AbstractAsyncContextManager[Response]:
        """Sends `json` to `path` of `app_id` and streams the answer; a GET has no body. Raises `Unavailable` when nobody answers.

        Connect errors and the sidecar's own 5xx (ERR_DIRECT_INVOKE: no live replica was picked) are retried
        before the first byte, at most three times within two seconds; an answer of the app itself never is.
        """
        ...


class Sidecar(Protocol):
    """All of it, and its lifecycle."""

    @property
    def state(self) -> StateStore:
        """The store of conversations."""
        ...

    def store(self, name: str) -> StateStore:
        """The state store of another component than `state`."""
        ...

    def blobs(self, name: str) -> Blobs:
        """The files or the blob container behind a binding component."""
        ...

    @property
    def pubsub(self) -> PubSub:
        """The one broker component."""
        ...

    @property
    def invoker(self) -> Invoker:
        """The way to other apps."""
        ...

    async def open(self) -> None:
        """Makes the connections; does not wait for the sidecar to answer."""
        ...

    async def close(self) -> None:
        """Gives the connections back; calls made afterwards raise `Unavailable`."""
        ...

    async def ready(self) -> dict[str, bool]:
        """Live checks by name: `sidecar`, `statestore`, `pubsub`."""
        ...
