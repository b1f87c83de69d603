"""The file of API keys: each key (demo) or its SHA-256 digest (anything real), and whom it stands for."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from switchboard.contracts import demo
from switchboard.contracts.errors import BadConfiguration
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
    expires: AwareDatetime | None = None
    """From then on the key stands for nobody. To change a key without a gap, both are in the file for a while."""

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
    def is_public(self) -> bool:
        """Whether anybody can know the key."""
        return self.key is not None and demo.is_public(self.key)

    @property
    def principal(self) -> Principal:
        return Principal(tenant=self.tenant, user=self.user, tier=self.tier, roles=self.roles)


class KeyFile(BaseModel):
    """The keys file as a whole."""

    model_config = ConfigDict(extra="forbid")

    keys: list[KeyEntry] = Field(min_length=1, max_length=100_000)


def load_key_file(path: Path, *, public: bool = False) -> KeyFile:
    """Raises `BadConfiguration` that names the file and the field, and for a key that anybody can know unless `public`."""
    try:
        file = KeyFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise BadConfiguration(f"The keys file {path} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadConfiguration(f"The keys file {path} is wrong at '{where}': {first['msg']}") from None
    if not public and any(entry.is_public for entry in file.keys):
        raise BadConfiguration(
            f"The keys file {path} holds keys of the demo, which anybody can read: set SWITCHBOARD_KEYS_FILE to a file "
            f"of your own, or {demo.VARIABLE}=1 for a demo."
        )
    return file
