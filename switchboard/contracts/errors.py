"""The one tree of errors, and the one table from them to HTTP (RFC 9457 problem details).

SwitchboardError
├── CallerError          the caller's fault; the same request will fail again
│   ├── InvalidRequest · Unauthenticated · Forbidden · NotFound · Conflict · TooLarge · Unprocessable
│   ├── TurnRunning      one message of a conversation at a time
│   └── Cancelled        the user does not want the answer any more
├── LimitExceeded        a budget or a rate is spent; later or less will do
├── ToolError            a tool failed; the model is told and goes on
├── ModelRetry           the model gave a tool wrong arguments; it is told and tries again
└── OurError             our fault
    ├── Unavailable      something that we need does not answer; try again
    │   └── Interrupted  the process that answered a turn went away
    ├── DeadlineExceeded
    └── BadConfiguration an operator must repair a file or a setting
"""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import BaseModel

LIMIT_RETRY_AFTER_S = 10
"""Where nobody said when a limit lets more pass."""


class Problem(BaseModel):
    """RFC 9457 body, `application/problem+json`. `message` is a sentence for a person."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    message: str
    trace_id: str
    turn_id: str | None = None
    """Of a conflict with a turn that is being answered: which."""


class SwitchboardError(Exception):
    """Root of the tree. `message` is a sentence that a user may read; it never holds a provider's words."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"
    default: ClassVar[str] = "Something went wrong on our side. Please try again."

    def __init__(self, message: str | None = None, *, retry_after_s: int | None = None) -> None:
        self.message = message or self.default
        self.retry_after_s = retry_after_s
        super().__init__(self.message)


class CallerError(SwitchboardError):
    """400 and its kinds: the caller's fault, and the same request fails again."""

    status, code, title = 400, "bad_request", "Bad request"
    default = "The request cannot be understood."


class InvalidRequest(CallerError):
    """400: the body is no JSON, or no UTF-8."""


class Unauthenticated(CallerError):
    """401: no valid key or token; the answer carries `WWW-Authenticate: Bearer`."""

    status, code, title = 401, "unauthenticated", "Not signed in"
    default = "A valid API key is needed: send it as 'Authorization: Bearer <key>'."


class Forbidden(CallerError):
    """403: who asks is known, and may not."""

    status, code, title = 403, "forbidden", "Not allowed"
    default = "Your key does not allow this."


class NotFound(CallerError):
    """404: nothing is there, or it is another tenant's, which looks the same."""

    status, code, title = 404, "not_found", "Not found"
    default = "There is nothing here by that name."


class Conflict(CallerError):
    """409: a race for a version is lost, or what was to be new is there already."""

    status, code, title = 409, "conflict", "Conflict"
    default = "The conversation changed meanwhile. Please send the message again."


class TurnRunning(CallerError):
    """409: another message of the conversation is being answered; `turn_id` is its turn."""

    status, code, title = 409, "turn_running", "One message at a time"
    default = "The message before this one is still being answered. Please wait for its answer, or cancel it."

    def __init__(self, message: str | None = None, *, turn_id: str = "") -> None:
        super().__init__(message)
        self.turn_id = turn_id


class Cancelled(CallerError):
    """409: the turn was cancelled by its user, so that it has no answer."""

    status, code, title = 409, "cancelled", "Cancelled"
    default = "This message was cancelled."


class TooLarge(CallerError):
    """413: above a bound of bytes or characters that is stated where it is checked."""

    status, code, title = 413, "too_large", "Too large"
    default = "The message is too long."


class Unprocessable(CallerError):
    """422: well-formed, but a field is missing, unknown or out of range."""

    status, code, title = 422, "unprocessable", "Not valid"
    default = "The request is well-formed, but a value in it is not valid."


class LimitExceeded(SwitchboardError):
    """429: a budget or a rate is spent; `retry_after_s` says when more passes, where that is known."""

    status, code, title = 429, "limit_exceeded", "Limit exceeded"
    default = "A limit is reached. Please try again a little later."


class ToolError(SwitchboardError):
    """A tool failed; the model is told `message`, and the turn goes on."""

    code, title = "tool_failed", "A tool failed"
    default = "A tool that the agent needed did not work."


class ModelRetry(SwitchboardError):
    """The model gave a tool wrong arguments; it is told `message`, and may call again."""

    code, title = "model_retry", "The model must try again"
    default = "The arguments of the tool call are not valid."


class OurError(SwitchboardError):
    """500 and its kinds: not the caller's fault."""


class Unavailable(OurError):
    """503: something that we need does not answer now; after `retry_after_s` (5 unless told) it may."""

    status, code, title = 503, "unavailable", "Unavailable"
    default = "A part of the service does not answer at the moment. Please try again shortly."

    def __init__(self, message: str | None = None, *, retry_after_s: int | None = 5) -> None:
        super().__init__(message, retry_after_s=retry_after_s)


class Interrupted(Unavailable):
    """503: the process that answered a turn went away after words were said."""

    code, title = "interrupted", "Interrupted"
    default = "The answer was interrupted. Please send the message again."


class DeadlineExceeded(OurError):
    """504: a turn or a call was not done by its deadline."""

    status, code, title = 504, "deadline_exceeded", "Too slow"
    default = "The answer took too long. Please try again."


class BadConfiguration(OurError):
    """500: an operator must repair the file or the setting that `message` names; a service does not start with it."""

    code, title = "bad_configuration", "Bad configuration"
    default = "The service is not configured correctly."


def problem_of(error: SwitchboardError, trace_id: str) -> Problem:
    """The body that tells `error` to an HTTP client."""
    return Problem(
        type=f"urn:switchboard:error:{error.code}",
        title=error.title,
        status=error.status,
        code=error.code,
        message=error.message,
        trace_id=trace_id,
        turn_id=error.turn_id if isinstance(error, TurnRunning) else None,
    )


def error_of_code(code: str, message: str, retry_after_s: int | None = None) -> SwitchboardError:
    """The error that a `code` on the wire stands for; one that is not known is ours. A passed limit always says when to retry."""
    kind = _BY_CODE.get(code, OurError)
    if issubclass(kind, LimitExceeded):
        return kind(message, retry_after_s=retry_after_s or LIMIT_RETRY_AFTER_S)
    return kind(message) if retry_after_s is None else kind(message, retry_after_s=retry_after_s)


def _below(kind: type[SwitchboardError]) -> Iterator[type[SwitchboardError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


_BY_CODE = {each.code: each for each in _below(SwitchboardError) if each not in (CallerError, OurError)}
"""Built from the tree as it stands in this module; errors that others derive for themselves never cross a wire."""
