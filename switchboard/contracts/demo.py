"""Demo mode: the one switch under which public keys and secrets are good for anything.

`switchboard up` sets `SWITCHBOARD_DEMO=1` and says so. Everywhere else a service that lacks a secret, or has one that
anybody can read in this repository, does not start.
"""

from collections.abc import Mapping
from typing import Final

from switchboard.contracts.errors import BadConfiguration

VARIABLE: Final = "SWITCHBOARD_DEMO"
PUBLIC_PREFIX: Final = "demo-"
"""Of every key and secret that this repository shows."""
SECRETS: Final = (
    *("APP_API_TOKEN", "DAPR_API_TOKEN", "SWITCHBOARD_REDIS_PASSWORD"),
    *("SWITCHBOARD_OTLP_TOKEN", "SWITCHBOARD_GATEWAY_ADMIN_TOKEN", "SWITCHBOARD_GATEWAY_KEYS"),
)
ON: Final = ("1", "true", "yes", "on")


def is_demo(environment: Mapping[str, str]) -> bool:
    """Whether the process is part of a demo."""
    return environment.get(VARIABLE, "").strip().lower() in ON


def is_public(secret: str) -> bool:
    """Whether anybody can know a key or a secret."""
    return secret.startswith(PUBLIC_PREFIX)


def check_secrets(environment: Mapping[str, str]) -> None:
    """Raises `BadConfiguration`, outside a demo, for a public secret and without the secret of app and sidecar."""
    if is_demo(environment):
        return
    for name in SECRETS:
        if any(is_public(each.strip()) for each in environment.get(name, "").split(",")):
            raise BadConfiguration(
                f"{name} is the demo's, which anybody can read: set a secret of your own, or {VARIABLE}=1 for a demo."
            )
    if not environment.get("APP_API_TOKEN"):
        raise BadConfiguration(
            "APP_API_TOKEN is not set, so anybody who reaches this service would be believed: set it to one secret "
            f"for the service and its sidecar, or {VARIABLE}=1 for a demo."
        )
