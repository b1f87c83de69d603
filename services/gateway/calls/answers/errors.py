"""Errors on the wire: OpenAI's shape, so that every SDK raises its own exception, with our problem's fields beside."""

from typing import Any

import orjson
from starlette.responses import Response

from services.gateway.money.limits.demand import QuotaExceeded
from switchboard.contracts.errors import (
    CallerError,
    Forbidden,
    LimitExceeded,
    NotFound,
    SwitchboardError,
    Unauthenticated,
)
from switchboard.contracts.headers import RETRY_AFTER
from switchboard.telemetry import current_trace_id


def body_of(error: SwitchboardError) -> dict[str, Any]:
    """`message` is a sentence for a person; it never holds a provider's words."""
    code = "model_not_found" if isinstance(error, NotFound) else error.code
    shown: dict[str, Any] = {"message": error.message, "type": _type(error), "param": None, "code": code}
    body: dict[str, Any] = {"code": error.code, "message": error.message, "trace_id": current_trace_id()}
    if isinstance(error, QuotaExceeded):
        shown["exceeded"] = body["exceeded"] = error.exceeded
    return {"error": shown, **body}


def response_of(error: SwitchboardError) -> Response:
    """With `Retry-After` where it is known when to come again."""
    headers = {RETRY_AFTER: str(error.retry_after_s)} if error.retry_after_s is not None else {}
    if isinstance(error, QuotaExceeded) and not error.retryable:
        headers["x-should-retry"] = "false"  # the OpenAI clients repeat every other 429 by themselves
    return Response(orjson.dumps(body_of(error)), error.status, headers, "application/json")


def _type(error: SwitchboardError) -> str:
    if isinstance(error, LimitExceeded):
        return "rate_limit_error"
    if isinstance(error, Unauthenticated | Forbidden):
        return "authentication_error"
    return "invalid_request_error" if isinstance(error, CallerError) else "server_error"
