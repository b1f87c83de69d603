"""How an app takes events of a topic: declared to daprd with dapr-ext-fastapi, answered with a Dapr status.

What a handler's outcome tells daprd (https://docs.dapr.io/reference/api/pubsub_api/#provide-routes-for-dapr-to-deliver-topic-events):

- it returned: `SUCCESS`;
- `Unavailable`, `DeadlineExceeded`, `LimitExceeded`, or an error nobody expected: `RETRY`; the resiliency policy
  of the pub/sub component bounds the deliveries, then the event goes to the dead-letter topic;
- the event is malformed, or any other error of the tree: `DROP`, which also goes to the dead-letter topic.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, TypeVar

import orjson
from dapr.ext.fastapi import DaprApp
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from opentelemetry import context, propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from pydantic import BaseModel, ValidationError

from switchboard.contracts import paths, topics
from switchboard.contracts.app_token import is_from_sidecar
from switchboard.contracts.errors import DeadlineExceeded, LimitExceeded, SwitchboardError, Unavailable
from switchboard.contracts.headers import DAPR_API_TOKEN

EVENT_BYTES_MAX = 1024 * 1024
"""Of a CloudEvent as it is delivered."""

Event = TypeVar("Event", bound=BaseModel)
Outcome = Literal["SUCCESS", "RETRY", "DROP"]

_log = logging.getLogger(__name__)
_tracer = trace.get_tracer(__name__)


def subscribe(
    app: FastAPI,
    topic: str,
    handler: Callable[[Event], Awaitable[None]],
    *,
    model: type[Event],
    dead_letter_topic: str | None = topics.DEAD,
    pubsub_name: str = "pubsub",
    app_token: str | None = None,
) -> None:
    """Calls `handler` with the data of each event on `topic`, once or more often (at-least-once delivery).

    Call it before the app serves: daprd asks for the subscriptions once, at its start. With `app_token` (Dapr's
    APP_API_TOKEN) only the sidecar can deliver events; an app with a public port needs it.
    """

    async def deliver(request: Request) -> JSONResponse:
        if not is_from_sidecar(request.headers.get(DAPR_API_TOKEN), app_token):
            return JSONResponse({"status": "DROP"}, 401)
        event = await _event_of(request, topic, model)
        outcome: Outcome = "DROP" if event is None else await _handled(request.headers, topic, handler, event)
        return JSONResponse({"status": outcome})

    route = f"/{paths.EVENTS}{topic}"
    _dapr_app(app).subscribe(pubsub_name, topic, route=route, dead_letter_topic=dead_letter_topic)(deliver)
    _hide(app, route)


def _dapr_app(app: FastAPI) -> DaprApp:
    """The one `DaprApp` of an app; it keeps the list of subscriptions."""
    if not hasattr(app.state, "dapr_app"):
        app.state.dapr_app = DaprApp(app, router_tags=None)
        _hide(app, "/dapr/subscribe")
    return app.state.dapr_app


def _hide(app: FastAPI, path: str) -> None:
    """Keeps a route that only the sidecar may call out of the API's documentation."""
    for route in app.routes:
        if getattr(route, "path", None) == path:
            route.include_in_schema = False  # pyright: ignore[reportAttributeAccessIssue]


async def _event_of(request: Request, topic: str, model: type[Event]) -> Event | None:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > EVENT_BYTES_MAX:
            _log.error("dropped an event on %s: it is above %d bytes", topic, EVENT_BYTES_MAX)
            return None
    try:
        return model.model_validate(orjson.loads(body)["data"])
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        _log.error("dropped an event on %s: it is no CloudEvent with data: %s", topic, type(error).__name__)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in wrong["loc"])
        _log.error("dropped an event on %s: its data is wrong at '%s': %s", topic, where, wrong["msg"])
    return None


async def _handled(
    headers: Mapping[str, str], topic: str, handler: Callable[[Event], Awaitable[None]], event: Event
) -> Outcome:
    attributes: dict[str, Any] = {"messaging.system": "dapr", "messaging.destination.name": topic}
    parent = _parent(headers)
    with _tracer.start_as_current_span(
        f"process {topic}", context=parent, kind=SpanKind.CONSUMER, attributes=attributes
    ) as span:
        try:
            await handler(event)
        except (Unavailable, DeadlineExceeded, LimitExceeded) as error:
            _log.warning("an event on %s must be delivered again: %s", topic, error.code)
            outcome: Outcome = "RETRY"
        except SwitchboardError as error:
            _log.error("dropped an event on %s: %s: %s", topic, error.code, error.message)
            outcome = "DROP"
        except Exception:
            _log.exception("the handler of %s failed; the event must be delivered again", topic)
            outcome = "RETRY"
        else:
            return "SUCCESS"
        span.set_status(Status(StatusCode.ERROR, outcome))
        return outcome


def _parent(headers: Mapping[str, str]) -> context.Context:
    """The context of daprd's delivery span, where FastAPI's instrumentation did not restore it already."""
    if trace.get_current_span().get_span_context().is_valid:
        return context.get_current()
    return propagate.extract(headers)
