"""The one gRPC channel of a process to its sidecar, and the one mapping of its failures to our errors."""

import logging
import os
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar, cast

import grpc
import grpc.aio
from dapr.proto import api_v1
from dapr.proto.runtime.v1.dapr_pb2_grpc import DaprStub
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from switchboard.contracts.errors import Conflict, Unavailable

MESSAGE_BYTES_MAX = 16 * 1024 * 1024
"""Of one gRPC message: a bulk get of 100 items is the largest."""

_log = logging.getLogger(__name__)
_CONFLICTS = (grpc.StatusCode.ABORTED, grpc.StatusCode.INVALID_ARGUMENT)
"""daprd's answers to an ETag that does not match, and to one that the store cannot have given."""
Answer = TypeVar("Answer")
Method = Callable[..., Awaitable[Answer]]
"""A call of the stub: takes the request, and `timeout` and `metadata` by name."""
_propagator = TraceContextTextMapPropagator()


class _Stub(Protocol):
    """The calls of the SDK's `DaprStub` that we make. The generated class makes them at run time, without types."""

    @property
    def GetState(self) -> Method[api_v1.GetStateResponse]: ...
    @property
    def GetBulkState(self) -> Method[api_v1.GetBulkStateResponse]: ...
    @property
    def SaveState(self) -> Method[object]: ...
    @property
    def DeleteState(self) -> Method[object]: ...
    @property
    def PublishEvent(self) -> Method[object]: ...
    @property
    def InvokeBinding(self) -> Method[api_v1.InvokeBindingResponse]: ...
    @property
    def GetMetadata(self) -> Method[api_v1.GetMetadataResponse]: ...


class DaprChannel:
    """Owns the channel; opened and closed with the app's lifespan, shared by all its calls.

    It uses the SDK's generated stub on a channel of ours: the SDK's client waits for the sidecar with a blocking
    call when it is made, drops the status code of a failed write, and takes neither deadline nor metadata a call.
    """

    def __init__(self, host: str, grpc_port: int, api_token: str | None) -> None:
        self._target = f"{host}:{grpc_port}"
        self._token = (("dapr-api-token", api_token),) if api_token else ()
        self._channel: grpc.aio.Channel | None = None
        self._stub: _Stub | None = None

    async def open(self) -> None:
        """Makes the channel; the first call connects it."""
        options = [
            ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
            ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
            # A sidecar that restarts is found again within a second, not after gRPC's default two minutes.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1000),
            # The sidecar is on this host; a proxy of the environment must never be asked.
            ("grpc.enable_http_proxy", 0),
        ]
        self._channel = grpc.aio.insecure_channel(self._target, options=options)
        self._stub = cast(_Stub, DaprStub(self._channel))

    async def close(self) -> None:
        """Lets the calls under way end for a second, then cuts them."""
        channel, self._channel, self._stub = self._channel, None, None
        if channel is not None:
            await channel.close(grace=1.0)

    @property
    def stub(self) -> _Stub:
        """Raises `Unavailable` before `open` and after `close`."""
        if self._stub is None:
            raise Unavailable()
        return self._stub

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Token and W3C trace context, so that the sidecar's span is a child of the current one.

        daprd reads `traceparent` on gRPC where `grpc-trace-bin` is missing (pkg/diagnostics/grpc_tracing.go,
        SpanContextFromIncomingGRPCMetadata). Without a current span (heartbeats, polls) a context that says
        "not sampled" keeps daprd from starting a trace of its own for each call.
        """
        if not trace.get_current_span().get_span_context().is_valid:
            return (*self._token, ("traceparent", f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-00"))
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        return (*self._token, *carrier.items())

    async def call(
        self,
        what: str,
        method: Method[Answer],
        request: object,
        timeout_s: float,
        *,
        quiet: tuple[str, ...] = (),
    ) -> Answer:
        """Raises `Conflict` for a lost ETag race, `Unavailable` for everything else that goes wrong.

        A failure whose words hold one of `quiet` (lower case) is expected by the caller, and not logged.
        """
        try:
            return await method(request, timeout=timeout_s, metadata=self.metadata())
        except grpc.aio.AioRpcError as error:
            if error.code() in _CONFLICTS and "etag" in (error.details() or "").lower():
                raise Conflict() from error
            if any(word in (error.details() or "").lower() for word in quiet):
                raise Unavailable() from error
            _log.warning("the sidecar could not %s: %s: %s", what, error.code().name, (error.details() or "")[:300])
            raise Unavailable() from error
        except (grpc.aio.UsageError, grpc.aio.InternalError) as error:
            # The channel was closed under the call: the process is shutting down.
            raise Unavailable() from error
