"""`Sidecar` inside one process, shared by every app of a test.

`attach` stands for an app with its own sidecar: it can be invoked and gets the topics it subscribed to.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from switchboard.sidecar.inmemory.blobs import InMemoryBlobs
from switchboard.sidecar.inmemory.invocation import InMemoryInvoker
from switchboard.sidecar.inmemory.pubsub import InMemoryPubSub
from switchboard.sidecar.inmemory.state import Clock, InMemoryStateStore, seconds

AsgiApp = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]


class InMemorySidecar:
    """`state.down`, `pubsub.down` and `invoker.down` make a part unavailable."""

    def __init__(self, *, clock: Clock = seconds) -> None:
        self.state = InMemoryStateStore(clock)
        self.stores: dict[str, InMemoryStateStore] = {}
        self.binders: dict[str, InMemoryBlobs] = {}
        self._clock = clock
        self.invoker = InMemoryInvoker()
        self.pubsub = InMemoryPubSub(self.invoker)

    def store(self, name: str) -> InMemoryStateStore:
        """Made empty when it is first asked for."""
        return self.stores.setdefault(name, InMemoryStateStore(self._clock))

    def blobs(self, name: str) -> InMemoryBlobs:
        """Made empty when it is first asked for."""
        return self.binders.setdefault(name, InMemoryBlobs())

    async def open(self) -> None:
        """Has nothing to connect."""

    async def close(self) -> None:
        """Waits for the events under way."""
        await self.pubsub.drained()

    async def ready(self) -> dict[str, bool]:
        """False for each part that a test has put `down`."""
        return {"sidecar": not self.invoker.down, "statestore": not self.state.down, "pubsub": not self.pubsub.down}

    async def attach(self, app_id: str, app: AsgiApp) -> None:
        """Makes `app` a replica of `app_id`. Its lifespan is the test's to run. Reads its subscriptions."""
        self.invoker.attach(app_id, app)
        await self.pubsub.attach(app_id)

    def detach(self, app_id: str) -> None:
        """Takes all replicas of `app_id` away: it is down."""
        self.invoker.detach(app_id)
