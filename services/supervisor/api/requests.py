"""What every route reads of a request, and how it answers: the supervisor, the caller, the question, JSON."""

from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.responses import Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ValidationError

from services.supervisor.bootstrap import Supervisor
from services.supervisor.turns.accept import Ask, CacheUse
from services.supervisor.turns.idempotency import CHARACTERS_MAX
from switchboard.contracts import headers, sse
from switchboard.contracts.errors import Forbidden, InvalidRequest
from switchboard.contracts.turns import ChatRequest, Principal
from switchboard.identity import Session
from switchboard.serving import problems

_bearer = HTTPBearer(auto_error=False, description="An API key; it stands for tenant, user, tier and roles.")


def supervisor_of(request: Request) -> Supervisor:
    return cast(Supervisor, request.app.state.supervisor)


Wired = Annotated[Supervisor, Depends(supervisor_of)]
"""The supervisor behind the route."""


def session_of(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)] = None) -> Session:
    """Raises `Unauthenticated`."""
    return supervisor_of(request).keys.session(request.headers.get("authorization"))


SignedIn = Annotated[Session, Depends(session_of)]
"""Who is asking, for what stays open longer than a request."""


def caller_of(session: SignedIn) -> Principal:
    return session.principal


Caller = Annotated[Principal, Depends(caller_of)]
"""Who is asking, by the key of the request."""


def operator_of(caller: Caller) -> Principal:
    """Raises `Forbidden`."""
    if "operator" not in caller.roles:
        raise Forbidden("This is for operators.")
    return caller


Operator = Annotated[Principal, Depends(operator_of)]
"""A caller who may see what is the whole tenant's."""


async def ask_of(request: Request, principal: Principal) -> Ask:
    """The validated question of a known caller: read once, validated once."""
    key = request.headers.get(headers.IDEMPOTENCY_KEY)
    if key is not None and not 1 <= len(key) <= CHARACTERS_MAX:
        raise InvalidRequest(f"An Idempotency-Key has 1 to {CHARACTERS_MAX} characters.")
    try:
        body = ChatRequest.model_validate_json(await request.body())
        return Ask(principal, body, key, _cache_use(request.headers.get(headers.CACHE_CONTROL, "")))
    except ValidationError as error:
        raise problems.error_of_validation(error) from None


def _cache_use(said: str) -> CacheUse:
    directives = {each.strip().lower() for each in said.split(",")}
    return "no-store" if "no-store" in directives else "no-cache" if "no-cache" in directives else ""


def wants_stream(request: Request) -> bool:
    return sse.MEDIA_TYPE in request.headers.get("accept", "")


def json_response(body: BaseModel, status: int = 200, fields: dict[str, str] | None = None) -> Response:
    """An answer that is a model's own JSON: FastAPI would validate and encode it a second time."""
    return Response(body.model_dump_json(), status, fields, media_type="application/json")
