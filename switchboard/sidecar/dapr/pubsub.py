"""Publishing through the sidecar's pub/sub component: Redis Streams here, Service Bus topics in Azure."""

from collections.abc import Mapping
from typing import Any

import orjson
from dapr.proto import api_v1
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from switchboard.contracts.errors import TooLarge
from switchboard.sidecar.dapr.channel import DaprChannel
from switchboard.sidecar.ports import EVENT_BYTES_MAX

CALL_TIMEOUT_S = 5.0

_tracer = trace.get_tracer(__name__)


class DaprPubSub:
    """`PubSub` on the component `name`. daprd wraps the data in a CloudEvent that carries the trace context."""

    def __init__(self, channel: DaprChannel, name: str) -> None:
        self._channel = channel
        self._name = name

    async def publish(self, topic: str, data: Mapping[str, Any]) -> None:
        """Raises `TooLarge` above 240 KiB."""
        body = orjson.dumps(data)
        if len(body) > EVENT_BYTES_MAX:
            raise TooLarge("This is more than can be sent as one event.")
        request = api_v1.PublishEventRequest(
            pubsub_name=self._name, topic=topic, data=body, data_content_type="application/json"
        )
        with _tracer.start_as_current_span(
            f"publish {topic}",
            kind=SpanKind.PRODUCER,
            attributes={"messaging.system": "dapr", "messaging.destination.name": topic},
        ):
            await self._channel.call("publish", self._channel.stub.PublishEvent, request, CALL_TIMEOUT_S)
