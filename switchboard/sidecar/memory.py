"""The sidecar of tests: all of `Sidecar` inside one process, with the same semantics as daprd on Redis.

`attach` stands for an app with its own sidecar: it can be invoked and gets the topics it subscribed to.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from switchboard.sidecar.memory_blobs import MemoryBlobs
from switchboard.sidecar.memory_invoke import MemoryInvoker
from switchboard.sidecar.memory_pubsub import MemoryPubSub
from switchboard.sidecar.memory_state import Clock, MemoryStateStore, seconds

AsgiApp = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]


class MemorySidecar:
    """Shared by every app of a test. `state.down`, `pubsub.down` and `invoker.down` make a part unavailable."""

    def __init__(self, *, clock: Clock = seconds) -> None:
        self.state = MemoryStateStore(clock)
        self.stores: dict[str, MemoryStateStore] = {}
        self.binders: dict[str, MemoryBlobs] = {}
        self._clock = clock
        self.invoker = MemoryInvoker()
        self.pubsub = MemoryPubSub(self.invoker)

    def store(self, name: str) -> MemoryStateStore:
        return self.stores.setdefault(name, MemoryStateStore(self._clock))

    def blobs(self, name: str) -> MemoryBlobs:
        return self.binders.setdefault(name, MemoryBlobs())

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        """Waits for the events under way."""
        await self.pubsub.drained()

    async def ready(self) -> dict[str, bool]:
        return {"sidecar": not self.invoker.down, "statestore": not self.state.down, "pubsub": not self.pubsub.down}

    async def attach(self, app_id: str, app: AsgiApp) -> None:
        """Makes `app` a replica of `app_id`. Its lifespan is the test's to run. Reads its subscriptions."""
        self.invoker.attach(app_id, app)
        await self.pubsub.attach(app_id)

    def detach(self, app_id: str) -> None:
        """Takes all replicas of `app_id` away: it is down."""
        self.invoker.detach(app_id)
