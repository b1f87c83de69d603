"""What every route reads of a request: the console, the caller; and where the page's files lie."""

from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends, Header, Request

from services.console.bootstrap import Console
from switchboard.contracts.turns import Principal

STATIC = Path(__file__).parents[1] / "static"


def console_of(request: Request) -> Console:
    return cast(Console, request.app.state.console)


Wired = Annotated[Console, Depends(console_of)]
"""The console behind the route."""


def caller_of(console: Wired, authorization: Annotated[str | None, Header()] = None) -> Principal:
    """Raises `Unauthenticated`."""
    return console.keys.authenticate(authorization)


Caller = Annotated[Principal, Depends(caller_of)]
"""Who is asking, by the key of the request."""
