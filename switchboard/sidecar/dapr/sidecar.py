"""`Sidecar` on daprd: its channel, its HTTP session, and the adapters that share them."""

import asyncio

import aiohttp
from dapr.proto import api_v1

from switchboard.contracts.errors import SwitchboardError
from switchboard.sidecar.dapr.blobs import DaprBlobs
from switchboard.sidecar.dapr.channel import DaprChannel
from switchboard.sidecar.dapr.invocation import CONNECTIONS_MAX, DaprInvoker
from switchboard.sidecar.dapr.pubsub import DaprPubSub
from switchboard.sidecar.dapr.state import DaprStateStore
from switchboard.sidecar.ports import StateKey

CHECK_TIMEOUT_S = 2.0


class DaprSidecar:
    """Speaks to the sidecar on `host`. `open` does not wait for it: `ready` says when it answers."""

    def __init__(
        self,
        *,
        http_port: int,
        grpc_port: int,
        host: str = "127.0.0.1",
        api_token: str | None = None,
        state_name: str = "statestore",
        pubsub_name: str = "pubsub",
    ) -> None:
        self._channel = DaprChannel(host, grpc_port, api_token)
        self._stores: dict[str, DaprStateStore] = {}
        self._session: aiohttp.ClientSession | None = None
        self._health_url = f"http://{host}:{http_port}/v1.0/healthz/outbound"
        self._pubsub_name = pubsub_name
        self.state = DaprStateStore(self._channel, state_name)
        self.pubsub = DaprPubSub(self._channel, pubsub_name)
        self.invoker = DaprInvoker(host, http_port, api_token)

    def store(self, name: str) -> DaprStateStore:
        """On the same channel; asked again for a name, the same one."""
        return self._stores.setdefault(name, DaprStateStore(self._channel, name))

    def blobs(self, name: str) -> DaprBlobs:
        """On the same channel as the state."""
        return DaprBlobs(self._channel, name)

    async def open(self) -> None:
        """Makes the gRPC channel and the pooled HTTP session, neither connected yet."""
        await self._channel.open()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=60.0),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        self.invoker.use(self._session)

    async def close(self) -> None:
        """Closes session and channel; calls under way raise `Unavailable`."""
        self.invoker.use(None)
        session, self._session = self._session, None
        if session is not None:
            await session.close()
        await self._channel.close()

    async def ready(self) -> dict[str, bool]:
        """Asks daprd three questions at once, each for at most 2 s; never raises."""
        sidecar, statestore, pubsub = await asyncio.gather(self._outbound(), self._state_answers(), self._has_pubsub())
        return {"sidecar": sidecar, "statestore": statestore, "pubsub": pubsub}

    async def _outbound(self) -> bool:
        """True when daprd has loaded its components; its own health also waits for this very app."""
        if self._session is None:
            return False
        timeout = aiohttp.ClientTimeout(total=CHECK_TIMEOUT_S)
        try:
            async with self._session.get(self._health_url, timeout=timeout) as answer:
                return answer.status < 300
        except (TimeoutError, aiohttp.ClientError, OSError):
            return False

    async def _state_answers(self) -> bool:
        try:
            await self.state.get(StateKey("readiness", "readiness"))
        except SwitchboardError:
            return False
        return True

    async def _has_pubsub(self) -> bool:
        try:
            request = api_v1.GetMetadataRequest()
            metadata = await self._channel.call(
                "tell its metadata", self._channel.stub.GetMetadata, request, CHECK_TIMEOUT_S
            )
        except SwitchboardError:
            return False
        return any(c.name == self._pubsub_name for c in metadata.registered_components)
