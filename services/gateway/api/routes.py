"""What the gateway serves beside model calls: which models there are, and whether it is ready."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.gateway.calls.callers import KnownCallers
from services.gateway.policy.catalog import Target
from services.gateway.requests import Wired, json_response
from switchboard.contracts import paths

router = APIRouter()


def known_caller(request: Request) -> None:
    """Raises `Unauthenticated`."""
    callers: KnownCallers = request.app.state.callers
    callers.check(request.headers)


@router.get(f"/{paths.MODELS}", dependencies=[Depends(known_caller)])
async def models(gateway: Wired) -> Response:
    """Aliases and models that may be asked for."""
    names = gateway.policies.active.catalog.names()
    return json_response({"object": "list", "data": [_model(name, target) for name, target in names]})


@router.get(f"/{paths.MODELS}/{{name}}", dependencies=[Depends(known_caller)])
async def model(gateway: Wired, name: str) -> Response:
    """One of them. Raises `NotFound`."""
    target = gateway.policies.active.catalog.target(name)
    return json_response(_model(name, target))


@router.get("/readyz")
async def readyz(gateway: Wired) -> dict[str, Any]:
    """Ready when the models are loaded; providers outside are not called for this."""
    return {"status": "ready", "providers": sorted(gateway.policies.active.providers)}


def _model(name: str, target: Target) -> dict[str, Any]:
    """In OpenAI's shape; `root` is the model behind an alias, as vLLM has it."""
    return {"id": name, "object": "model", "created": 0, "owned_by": target.provider, "root": target.model}
