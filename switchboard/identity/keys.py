"""API keys and whom they stand for. The file holds keys (demo) or their SHA-256 digests (anything real)."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from switchboard.contracts.errors import BadConfiguration, Unauthenticated
from switchboard.contracts.turns import Principal

KEY_CHARACTERS_MAX = 512

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
"""No separator of a state key may be in a tenant's or a user's name."""


class KeyEntry(BaseModel):
    """One key of the file; exactly one of `key` and `sha256` (64 hex digits of the key's digest)."""

    model_config = ConfigDict(extra="forbid")

    key: str | None = Field(default=None, min_length=8, max_length=KEY_CHARACTERS_MAX)
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    name: str = ""
    """For people; shown where a demo key is picked."""
    tenant: Name
    user: Name
    tier: Literal["free", "developer", "professional", "enterprise"] = "free"
    roles: frozenset[str] = frozenset({"customer"})

    @model_validator(mode="after")
    def _one_of_both(self) -> "KeyEntry":
        if (self.key is None) == (self.sha256 is None):
            raise ValueError("give either key or sha256")
        return self

    @property
    def digest(self) -> bytes:
        if self.sha256 is not None:
            return bytes.fromhex(self.sha256)
        return hashlib.sha256((self.key or "").encode()).digest()

    @property
    def principal(self) -> Principal:
        return Principal(tenant=self.tenant, user=self.user, tier=self.tier, roles=self.roles)


class KeyFile(BaseModel):
    """The keys file as a whole."""

    model_config = ConfigDict(extra="forbid")

    keys: list[KeyEntry] = Field(min_length=1, max_length=100_000)


class ApiKeys:
    """Who a key stands for. Look-up is by digest: its time tells nothing of any key, and no key stays in memory."""

    def __init__(self, file: KeyFile) -> None:
        self._principals = {entry.digest: entry.principal for entry in file.keys}

    @classmethod
    def load(cls, path: Path) -> "ApiKeys":
        """Reads a keys file. Raises `BadConfiguration` that names the file and the field."""
        return cls(load_key_file(path))

    def principal_of(self, key: str) -> Principal:
        """Raises `Unauthenticated` for a key that is not there."""
        if len(key) > KEY_CHARACTERS_MAX:
            raise Unauthenticated
        principal = self._principals.get(hashlib.sha256(key.encode()).digest())
        if principal is None:
            raise Unauthenticated
        return principal

    def authenticate(self, authorization: str | None) -> Principal:
        """Reads an `Authorization: Bearer <key>` header. Raises `Unauthenticated`."""
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Unauthenticated
        return self.principal_of(key.strip())


def load_key_file(path: Path) -> KeyFile:
    """Raises `BadConfiguration` that names the file and the field."""
    try:
        return KeyFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise BadConfiguration(f"The keys file {path} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadConfiguration(f"The keys file {path} is wrong at '{where}': {first['msg']}") from None
