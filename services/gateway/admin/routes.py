"""`/admin`: what an operator sees and sets while the gateway runs.

With SWITCHBOARD_GATEWAY_ADMIN_TOKEN set it asks for that token; without, it answers this machine only.
"""

import secrets
from ipaddress import ip_address
from typing import Any

import orjson
from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError
from starlette.responses import Response

from services.gateway.bootstrap import Gateway
from services.gateway.providers.simulated import RemoteSimulated, Simulated
from services.gateway.settings import settings
from services.gateway.simulated.faults import FaultRules
from switchboard.contracts.errors import Forbidden, InvalidRequest, NotFound, Unauthenticated

BODY_BYTES_MAX = 64 * 1024


def operator(request: Request) -> None:
    """Raises `Unauthenticated` for a wrong token, `Forbidden` for a caller elsewhere where none is set."""
    token = settings().admin_token
    if token is not None:
        said = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not secrets.compare_digest(said.encode(), token.get_secret_value().encode()):
            raise Unauthenticated("The operator's token is needed: send it as 'Authorization: Bearer <token>'.")
        return
    # A sidecar is on this machine too, but says for whom it speaks.
    forwarded = any(name in request.headers for name in ("x-forwarded-for", "forwarded", "dapr-caller-app-id"))
    if forwarded or request.client is None or not _is_loopback(request.client.host):
        raise Forbidden(
            "The gateway's administration is open to this machine only: set SWITCHBOARD_GATEWAY_ADMIN_TOKEN."
        )


router = APIRouter(prefix="/admin", dependencies=[Depends(operator)])


@router.get("/providers")
async def providers(request: Request) -> Response:
    """State, latency, error and 429 rates of the last minute and the breaker of each deployment; the lanes."""
    gateway = _gateway(request)
    force, breakers = gateway.in_force.now, gateway.attempts.breakers
    told = [
        {
            "deployment": target.name,
            "provider": target.provider,
            "kind": target.kind,
            "model": target.model,
            "region": target.deployment.region,
            "state": _state(gateway, target.name),
            "breaker": breakers.state(target.name),
            "breaker_opens_in_s": round(breakers.opens_in_s(target.name), 2),
            **gateway.attempts.health.figures(target.name),
        }
        for target in force.router.all()
    ]
    shared = gateway.shared_breakers
    return _json(
        {
            "deployments": told,
            "lanes": gateway.walls.figures(),
            "breakers_shared": shared is not None and shared.reachable,
        }
    )


@router.post("/providers/reset")
async def reset(request: Request, deployment: str | None = None) -> Response:
    """Closes the circuit of a deployment, or of all, and calls it again; for an operator who knows that it works."""
    gateway = _gateway(request)
    names = [each.name for each in gateway.in_force.now.router.all() if deployment in (None, each.name)]
    if not names:
        raise NotFound("There is no deployment by that name.")
    for name in names:
        gateway.attempts.breakers.reset(name)
        gateway.attempts.health.forgive(name)
    return _json({"deployments": names})


@router.get("/policy")
async def policy(request: Request) -> Response:
    """The policy in force, since when, and why a newer file was refused."""
    return _json(_policy(_gateway(request)))


@router.post("/policy/reload")
async def reload(request: Request) -> Response:
    """Reads the file now. 422 with the line that is wrong where it is refused."""
    gateway = _gateway(request)
    refusal = await gateway.in_force.reload()
    return _json(_policy(gateway), 200 if refusal is None else 422)


@router.get("/simulated/faults")
async def faults(request: Request) -> Response:
    """The faults of the simulated providers inside this process, by provider."""
    inside = {
        name: each.model.faults.told() for name, each in _simulated(request).items() if isinstance(each, Simulated)
    }
    return _json({"providers": inside})


@router.put("/simulated/faults")
async def set_faults(request: Request, provider: str | None = None) -> Response:
    """Sets them, for one provider or for all of that kind; also of servers elsewhere."""
    content = await request.body()
    try:
        rules = FaultRules.model_validate_json(content[:BODY_BYTES_MAX])
    except ValidationError as error:
        raise InvalidRequest(f"These are no faults: {error.errors()[0]['msg']}.") from error
    chosen = {name: each for name, each in _simulated(request).items() if provider in (None, name)}
    if not chosen:
        raise NotFound("There is no simulated provider by that name.")
    for each in chosen.values():
        if isinstance(each, Simulated):
            each.model.faults.replace(rules)
        else:
            await each.set_faults(rules)
    return _json({"providers": sorted(chosen)})


@router.get("/simulated/served")
async def served(request: Request) -> Response:
    """What the simulated providers inside this process have served."""
    return _json(
        {
            name: each.model.served.told(with_requests=request.query_params.get("requests") == "1")
            for name, each in _simulated(request).items()
            if isinstance(each, Simulated)
        }
    )


def _gateway(request: Request) -> Gateway:
    return request.app.state.gateway


def _simulated(request: Request) -> dict[str, Simulated | RemoteSimulated]:
    providers = _gateway(request).in_force.now.providers
    return {name: each for name, each in providers.items() if isinstance(each, Simulated | RemoteSimulated)}


def _state(gateway: Gateway, name: str) -> str:
    """`up`, `down` (its circuit is open), `probing` or `throttled`."""
    circuit = gateway.attempts.breakers.state(name)
    if circuit != "closed":
        return "down" if circuit == "open" else "probing"
    return "throttled" if gateway.attempts.health.is_cooling(name) else "up"


def _policy(gateway: Gateway) -> dict[str, Any]:
    in_force = gateway.in_force
    refusal = in_force.refusal
    return {
        "in_force_since": in_force.since,
        "refused": None if refusal is None else {"message": refusal.message, "at": refusal.at},
        "policy": in_force.now.policy.model_dump(mode="json"),
    }


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body, default=str), status, media_type="application/json")
