"""What the OpenAPI document says beyond the routes' own types: problems, the event stream, examples."""

from typing import Any

from services.supervisor.api.bodies import ChatAnswer, JobAccepted
from switchboard.contracts.errors import Problem
from switchboard.contracts.events import turn_event_adapter
from switchboard.contracts.turns import ChatRequest

Responses = dict[int | str, dict[str, Any]]

DESCRIPTION = (
    "Customer support by several agents behind one chat. Every error is `application/problem+json` (RFC 9457) with a "
    "`message` for a person and a `trace_id`. Every answer names its trace in `x-trace-id`. The chat is also served "
    'over a WebSocket at `/v1/chat/ws`: send `{"authorization": "Bearer <key>"}` first, then the same requests.'
)

_REASONS = {
    400: "The body is not valid JSON.",
    401: "The key is missing or not known.",
    404: "There is nothing by that name, or it is not yours.",
    409: "Another message of the conversation is being answered (`turn_id` says which), or it changed meanwhile.",
    413: "The request is too large.",
    422: "A value is not valid.",
    429: "A limit is reached; `Retry-After` says when to try again.",
    503: "A part of the service does not answer; `Retry-After` says when to try again.",
    504: "The answer took too long.",
}

_PROBLEM_EXAMPLE = {
    "type": "urn:switchboard:error:unavailable",
    "title": "Unavailable",
    "status": 503,
    "code": "unavailable",
    "message": "Billing does not answer at the moment. Please try again shortly.",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
}

_STREAM_EXAMPLE = (
    "event: turn.started\nid: c1.1:1\n"
    'data: {"type":"turn.started","turn_id":"c1.1","conversation_id":"c1","trace_id":"4bf9…"}\n\n'
    "event: message.delta\nid: c1.1:4\n"
    'data: {"type":"message.delta","agent":"billing","text":"Your November bill is £41.20."}\n\n'
)

PROBLEMS: Responses = {
    status: {
        "description": reason,
        "content": {
            "application/problem+json": {
                "schema": Problem.model_json_schema(),
                "example": _PROBLEM_EXAMPLE | {"status": status},
            }
        },
    }
    for status, reason in _REASONS.items()
}

_STREAM: dict[str, Any] = {
    "schema": {
        "type": "string",
        "description": "Server-sent events; each `data:` is one of the events below.",
        "x-event-schema": turn_event_adapter.json_schema(mode="serialization", ref_template="#/x-events/{model}"),
    },
    "example": _STREAM_EXAMPLE,
}

STREAM_RESPONSES: Responses = PROBLEMS | {
    200: {"description": "The turn's events.", "content": {"text/event-stream": _STREAM}}
}

CHAT_RESPONSES: Responses = PROBLEMS | {
    200: {
        "description": "The answer, or its events as they happen.",
        "model": ChatAnswer,
        "content": {"text/event-stream": _STREAM},
    }
}

JOB_RESPONSES: Responses = PROBLEMS | {202: {"description": "Accepted; look at `Location`.", "model": JobAccepted}}


def chat_body() -> dict[str, Any]:
    """The request body of the routes that read it themselves, once, and tell its faults in their own words."""
    return {
        "security": [{"HTTPBearer": []}],
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "maxLength": 200},
                "description": "The same key again returns the same turn, running or finished. The answer names it, or the "
                "turn's id, which serves as one.",
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": ChatRequest.model_json_schema(),
                    "examples": {
                        "question": {"value": {"message": "Why is my latest invoice higher than the one before?"}},
                        "follow-up": {"value": {"message": "Yes please", "conversation_id": "c1"}},
                        "one agent": {"value": {"message": "Compare two phones", "agent": "product"}},
                    },
                }
            },
        },
    }
