"""Who may call at all: our own apps through the sidecar, and who holds one of the gateway's keys.

What a caller says of itself (tenant, user, tier) is believed, so only these are heard.
"""

import secrets
from collections.abc import Mapping

from services.gateway.settings import Settings
from switchboard.contracts import headers
from switchboard.contracts.app_token import is_from_sidecar
from switchboard.contracts.errors import Unauthenticated

UNKNOWN = "The gateway is called through a sidecar, or with one of its keys as 'Authorization: Bearer <key>'."


class KnownCallers:
    """Made once from the settings; a check takes about a microsecond."""

    def __init__(self, settings: Settings) -> None:
        self._token = settings.app_api_token.get_secret_value() if settings.app_api_token else None
        self._keys = tuple(each.strip().encode() for each in settings.keys.split(",") if each.strip())
        self._everybody = settings.demo and self._token is None and not self._keys

    def check(self, sent: Mapping[str, str]) -> None:
        """`sent` are headers with lower-case names. Raises `Unauthenticated` for who is not known."""
        if self._everybody or (self._token and is_from_sidecar(sent.get(headers.DAPR_API_TOKEN), self._token)):
            return
        scheme, _, key = sent.get("authorization", "").partition(" ")
        given = key.strip().encode()
        if scheme.lower() != "bearer" or not any([secrets.compare_digest(given, each) for each in self._keys]):
            raise Unauthenticated(UNKNOWN)
