"""Pub/sub inside the process: events go to the handlers of a test and to the apps that subscribed.

What daprd does with an answer happens here too: `RETRY` and 5xx are delivered again, at most `DELIVERIES_MAX`
times; what was retried in vain or dropped goes to the dead-letter topic when the subscription names one.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from opentelemetry import propagate

from switchboard.contracts.errors import SwitchboardError, TooLarge, Unavailable
from switchboard.sidecar.inmemory.invocation import InMemoryInvoker
from switchboard.sidecar.ports import EVENT_BYTES_MAX

DELIVERIES_MAX = 3
Handler = Callable[[Mapping[str, Any]], Awaitable[None]]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Subscription:
    app_id: str
    route: str
    dead_letter_topic: str | None


class InMemoryPubSub:
    """`PubSub`. `published` keeps every event in order, for a test to look at."""

    def __init__(self, invoker: InMemoryInvoker) -> None:
        self.down = False
        self.published: list[tuple[str, dict[str, Any]]] = []
        self._invoker = invoker
        self._handlers: dict[str, list[Handler]] = {}
        self._subscriptions: dict[str, dict[str, _Subscription]] = {}
        self._deliveries: set[asyncio.Task[None]] = set()

    async def publish(self, topic: str, data: Mapping[str, Any]) -> None:
        """Keeps the event and starts its deliveries in the background. Raises `TooLarge` above 240 KiB."""
        if self.down:
            raise Unavailable()
        body = orjson.dumps(data)
        if len(body) > EVENT_BYTES_MAX:
            raise TooLarge("This is more than can be sent as one event.")
        plain: dict[str, Any] = orjson.loads(body)
        self.published.append((topic, plain))
        event = _cloud_event(topic, plain)
        for handler in self._handlers.get(topic, ()):
            self._start(handler(plain))
        for subscription in self._subscriptions.get(topic, {}).values():
            self._start(self._deliver(subscription, event))

    def subscribe(self, topic: str, handler: Handler) -> None:
        """Calls `handler` with the data of every event on `topic`."""
        self._handlers.setdefault(topic, []).append(handler)

    async def attach(self, app_id: str) -> None:
        """Reads what the app subscribed to, as daprd does at its start: `GET /dapr/subscribe`."""
        async with self._invoker.open(app_id, "/dapr/subscribe", method="GET") as response:
            subscribed: list[dict[str, Any]] = orjson.loads(await response.body()) if response.status == 200 else []
        for entry in subscribed:
            subscription = _Subscription(app_id, entry["route"], entry.get("deadLetterTopic"))
            self._subscriptions.setdefault(entry["topic"], {})[app_id] = subscription

    async def drained(self) -> None:
        """Returns when no delivery is under way, those that deliveries caused included."""
        while self._deliveries:
            await asyncio.gather(*self._deliveries)

    def _start(self, delivery: Awaitable[None]) -> None:
        task = asyncio.ensure_future(delivery)
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)

    async def _deliver(self, subscription: _Subscription, event: Mapping[str, Any]) -> None:
        headers = {"content-type": "application/cloudevents+json", "traceparent": str(event["traceparent"])}
        status = "RETRY"
        for _ in range(DELIVERIES_MAX):
            status = await self._answer(subscription, event, headers)
            if status != "RETRY":
                break
        if status == "SUCCESS":
            return
        _log.warning("an event on %s was not taken by %s: %s", event["topic"], subscription.app_id, status)
        if subscription.dead_letter_topic and subscription.dead_letter_topic != event["topic"]:
            await self.publish(subscription.dead_letter_topic, event["data"])

    async def _answer(self, subscription: _Subscription, event: Mapping[str, Any], headers: Mapping[str, str]) -> str:
        try:
            async with self._invoker.open(
                subscription.app_id, subscription.route, json=event, headers=headers
            ) as response:
                if response.status >= 300:
                    return "DROP" if response.status == 404 else "RETRY"
                answer = orjson.loads(await response.body() or b"{}")
                return str(answer.get("status") or "SUCCESS")
        except SwitchboardError:
            return "RETRY"


def _cloud_event(topic: str, data: Mapping[str, Any]) -> dict[str, Any]:
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "type": "com.dapr.event.sent",
        "source": "memory",
        "topic": topic,
        "pubsubname": "pubsub",
        "datacontenttype": "application/json",
        "traceparent": carrier.get("traceparent", ""),
        "data": data,
    }
