"""What every route but a model call's reads of a request, and how it answers: the gateway, JSON."""

from typing import Annotated, Any, cast

import orjson
from fastapi import Depends, Request
from starlette.responses import Response

from services.gateway.bootstrap import Gateway


def gateway_of(request: Request) -> Gateway:
    return cast(Gateway, request.app.state.gateway)


Wired = Annotated[Gateway, Depends(gateway_of)]
"""The gateway behind the route."""


def json_response(body: dict[str, Any], status: int = 200) -> Response:
    """What JSON has no word for (dates, paths) is sent as text."""
    return Response(orjson.dumps(body, default=str), status, media_type="application/json")
