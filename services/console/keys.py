"""Who a key is, for reading traces, and the demo keys that the page offers to pick from."""

import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, Field, ValidationError

from switchboard.contracts.errors import BadConfiguration, Unauthenticated
from switchboard.contracts.turns import Principal

DEMO_PREFIX = "demo-"
"""Only keys that start so are ever handed to a browser."""


class KeyEntry(BaseModel):
    """A line of the keys file."""

    key: str = Field(min_length=1)
    tenant: str
    user: str
    tier: str = "free"
    roles: list[str] = ["customer"]
    label: str = ""

    def principal(self) -> Principal:
        return Principal.model_validate(
            {"tenant": self.tenant, "user": self.user, "tier": self.tier, "roles": self.roles}
        )


@dataclass(frozen=True, slots=True)
class Keys:
    entries: tuple[KeyEntry, ...]

    def principal(self, authorization: str | None) -> Principal:
        """Who sends this `Authorization` header. Raises `Unauthenticated`."""
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise Unauthenticated
        found = [entry for entry in self.entries if hmac.compare_digest(entry.key.encode(), key.strip().encode())]
        if not found:
            raise Unauthenticated
        return found[0].principal()

    def demo(self) -> list[dict[str, Any]]:
        """What the page's picker shows; empty outside the demo."""
        return [entry.model_dump() for entry in self.entries if entry.key.startswith(DEMO_PREFIX)]


def read_keys(path: Path) -> Keys:
    """Reads the keys file. Raises `BadConfiguration`."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        rows = document["keys"] if isinstance(document, dict) else document
        if isinstance(rows, dict):
            rows = [{"key": key, **value} for key, value in rows.items()]
        return Keys(tuple(KeyEntry.model_validate(row) for row in rows))
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValidationError) as error:
        raise BadConfiguration(f"The keys file {path} cannot be read: {error}") from error
