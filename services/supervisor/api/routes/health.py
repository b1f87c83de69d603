"""The readiness probe; the liveness probe is every service's."""

from fastapi import APIRouter, Response

from services.supervisor.api.bodies import Readiness
from services.supervisor.api.requests import Wired, json_response

router = APIRouter(tags=["health"])


@router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
async def readyz(supervisor: Wired) -> Response:
    """Everything this service needs answers: sidecar, state store, pub/sub, gateway."""
    checks = await supervisor.readiness.checks()
    if supervisor.turns.is_closing:
        checks = checks | {"accepting": False}
    ready = all(checks.values())
    return json_response(Readiness(status="ready" if ready else "not_ready", checks=checks), 200 if ready else 503)
