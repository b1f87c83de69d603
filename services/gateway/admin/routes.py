"""`/admin`: what an operator sees and sets while the gateway runs.

It asks for SWITCHBOARD_GATEWAY_ADMIN_TOKEN, and is closed where none is set; in a demo it then answers this machine. A page
in a browser never reaches it: neither by its own address (`Origin`) nor by a name of its own that leads here (`Host`).
"""

import secrets
from ipaddress import ip_address
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.gateway.bootstrap import Gateway
from services.gateway.requests import Wired, gateway_of, json_response
from switchboard.contracts.errors import Forbidden, NotFound, Unauthenticated


def operator(request: Request) -> None:
    """Raises `Unauthenticated` for a wrong token, `Forbidden` for a page in a browser and where there is no token to ask for."""
    settings = gateway_of(request).settings
    if _is_of_a_page(request, settings.admin_hosts):
        raise Forbidden(PAGE)
    token = settings.admin_token
    if token is not None:
        sent = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not secrets.compare_digest(sent.encode(), token.get_secret_value().encode()):
            raise Unauthenticated("The operator's token is needed: send it as 'Authorization: Bearer <token>'.")
        return
    # A sidecar is on this machine too, but says for whom it speaks.
    forwarded = any(name in request.headers for name in ("x-forwarded-for", "forwarded", "dapr-caller-app-id"))
    if not settings.demo or forwarded or request.client is None or not _is_loopback(request.client.host):
        raise Forbidden("The gateway's administration is closed: set SWITCHBOARD_GATEWAY_ADMIN_TOKEN, and send it.")


def _is_of_a_page(request: Request, hosts: str) -> bool:
    """Whether a browser sends it for a page: from another site, or under a name that the gateway does not go by."""
    if "origin" in request.headers or request.headers.get("sec-fetch-site", "none") != "none":
        return True
    host = request.headers.get("host", "").lower()
    name = host if host.endswith("]") or ":" not in host else host.rpartition(":")[0]
    return name.strip("[]") not in [each.strip() for each in hosts.lower().split(",")]


PAGE = "The gateway's administration is no web page's: call it from a program, under a name in SWITCHBOARD_GATEWAY_ADMIN_HOSTS."

router = APIRouter(prefix="/admin", dependencies=[Depends(operator)])


@router.get("/providers")
async def providers(gateway: Wired) -> Response:
    """State, latency, error and 429 rates of the last minute and the breaker of each deployment; the lanes."""
    breakers = gateway.attempts.breakers
    deployments = [
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
        for target in gateway.policies.active.catalog.all()
    ]
    shared = gateway.shared_breakers
    return json_response(
        {
            "deployments": deployments,
            "lanes": gateway.bulkheads.figures(),
            "breakers_shared": shared is not None and shared.reachable,
        }
    )


@router.post("/providers/reset")
async def reset(gateway: Wired, deployment: str | None = None) -> Response:
    """Closes the circuit of a deployment, or of all, and calls it again; for an operator who knows that it works."""
    names = [each.name for each in gateway.policies.active.catalog.all() if deployment in (None, each.name)]
    if not names:
        raise NotFound("There is no deployment by that name.")
    for name in names:
        gateway.attempts.breakers.reset(name)
        gateway.attempts.health.forgive(name)
    return json_response({"deployments": names})


@router.get("/policy")
async def policy(gateway: Wired) -> Response:
    """The active policy, since when, and why a newer file was refused."""
    return json_response(_policy(gateway))


@router.post("/policy/reload")
async def reload(gateway: Wired) -> Response:
    """Reads the file now. 422 with the line that is wrong where it is refused."""
    refusal = await gateway.policies.reload()
    return json_response(_policy(gateway), 200 if refusal is None else 422)


def _state(gateway: Gateway, name: str) -> str:
    """`up`, `down` (its circuit is open), `probing`, `key_refused` (an operator must act) or `throttled`."""
    circuit = gateway.attempts.breakers.state(name)
    if circuit != "closed":
        return "down" if circuit == "open" else "probing"
    if gateway.attempts.health.is_key_refused(name):
        return "key_refused"
    return "throttled" if gateway.attempts.health.is_cooling(name) else "up"


def _policy(gateway: Gateway) -> dict[str, Any]:
    policies = gateway.policies
    refusal = policies.refusal
    return {
        "in_force_since": policies.since,
        "refused": None if refusal is None else {"message": refusal.message, "at": refusal.at},
        "policy": policies.active.policy.model_dump(mode="json"),
    }


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
