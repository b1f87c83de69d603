"""Errors to HTTP, for every service of ours: `application/problem+json` with a sentence for a person (RFC 9457)."""

from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.responses import Response

from switchboard.contracts import headers
from switchboard.contracts.errors import (
    CallerError,
    InvalidRequest,
    LimitExceeded,
    NotFound,
    OurError,
    SwitchboardError,
    TooLarge,
    Unprocessable,
    problem_of,
)
from switchboard.contracts.turns import MESSAGE_CHARACTERS_MAX
from switchboard.serving.browser_headers import FIELDS
from switchboard.telemetry import current_trace_id

MEDIA_TYPE = "application/problem+json"
NOT_JSON = "The body is not valid JSON."


class MethodNotAllowed(CallerError):
    status, code, title = 405, "method_not_allowed", "Method not allowed"
    default = "This address does not take that method."


def problem_response(error: SwitchboardError) -> Response:
    """The answer that tells `error`."""
    fields = {headers.RETRY_AFTER: str(error.retry_after_s)} if error.retry_after_s is not None else {}
    if error.status == 401:
        fields["www-authenticate"] = "Bearer"
    fields |= dict(FIELDS)
    body = problem_of(error, current_trace_id()).model_dump_json(exclude_none=True)
    return Response(body, error.status, fields, media_type=MEDIA_TYPE)


def error_of_validation(error: ValidationError | RequestValidationError) -> CallerError:
    """Why a request was not understood, in the words of its sender."""
    found: list[ErrorDetails] = list(error.errors())  # type: ignore[arg-type]
    first = found[0]
    # FastAPI names where a value stands first ("query"); a name of one of our fields is never that.
    path = [str(part) for part in first["loc"] if part not in ("body", "query", "path", "header")]
    field = ".".join(path)
    match first["type"]:
        case "json_invalid":
            return InvalidRequest(NOT_JSON)
        case "missing":
            return Unprocessable(f"'{field}' is missing.")
        case "extra_forbidden":
            return Unprocessable(f"'{field}' is not known here.")
        case "string_too_short" if field == "message":
            return Unprocessable("The message is empty. Please write what you would like to know.")
        case "string_too_long" if field == "message":
            return TooLarge(f"The message is too long: at most {MESSAGE_CHARACTERS_MAX:,} characters.")
        case "string_unicode":
            return InvalidRequest("The body is not valid UTF-8 text.")
        case _ if not field:
            return Unprocessable("The body must be a JSON object.")
        case _:
            return Unprocessable(f"'{field}' is not valid: {first['msg']}.")


def install(app: FastAPI, error_response: Callable[[SwitchboardError], Response] = problem_response) -> None:
    """Gives `app` the handlers of every kind of error that a route may raise; `error_response` tells it to the caller."""

    async def switchboard(_: Request, error: Exception) -> Response:
        assert isinstance(error, SwitchboardError)
        return error_response(error)

    async def validation(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError | ValidationError)
        return error_response(error_of_validation(error))

    async def http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return error_response(_error_of_http(error))

    async def unforeseen(_: Request, __: Exception) -> Response:
        return error_response(OurError())  # the server logs it

    app.add_exception_handler(SwitchboardError, switchboard)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, unforeseen)


def _error_of_http(error: HTTPException) -> SwitchboardError:
    match error.status_code:
        case 404:
            return NotFound("There is nothing at this address.")
        case 405:
            return MethodNotAllowed()
        case 413:
            return TooLarge("The request is too large.")
        case 429:
            return LimitExceeded()
        case status if status < 500:
            return InvalidRequest()
        case _:
            return OurError()
