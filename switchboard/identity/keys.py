"""Whom an API key stands for, and until when: the keys file is read again when it changes."""

import asyncio
import hashlib
import logging
import time
from dataclasses import dataclass
from pathlib import Path

from switchboard.contracts.errors import BadConfiguration, Unauthenticated
from switchboard.contracts.turns import Principal
from switchboard.identity.key_file import KEY_CHARACTERS_MAX, KeyEntry, KeyFile, load_key_file

RELOAD_S = 1.0
"""Between two looks at the file."""
CHECK_S = 2.0
"""How often what stays open asks whether its session is live: with the above, it ends within 5 s of a key's end."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who signed in with a key; what stays open longer than a request asks again whether they still are."""

    principal: Principal
    digest: bytes
    keys: "ApiKeys"

    @property
    def is_live(self) -> bool:
        """Whether the key still stands for the same person with the same rights."""
        return self.keys.found(self.digest) == self.principal


class ApiKeys:
    """Who a key stands for. Look-up is by digest: its time tells nothing of any key, and no key stays in memory.

    `watch` follows the file, from the app's start to its end. A file that cannot be read changes nothing.
    """

    def __init__(self, file: KeyFile, path: Path | None = None, *, public: bool = False) -> None:
        """`path` is where `watch` finds the file again; `public` is `load_key_file`'s."""
        self._path = path
        self._public = public
        self._entries = _by_digest(file)
        self._version = _version_of(path)

    @classmethod
    def load(cls, path: Path, *, public: bool = False) -> "ApiKeys":
        """Reads a keys file. Raises `BadConfiguration` that names the file and the field."""
        return cls(load_key_file(path, public=public), path, public=public)

    def found(self, digest: bytes) -> Principal | None:
        """Whom the key with that digest stands for now; None where it is unknown, revoked or expired."""
        known = self._entries.get(digest)
        if known is None or (known[1] is not None and time.time() >= known[1]):
            return None
        return known[0]

    def session(self, authorization: str | None) -> Session:
        """Reads an `Authorization: Bearer <key>` header. Raises `Unauthenticated`."""
        scheme, _, key = (authorization or "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key or len(key) > KEY_CHARACTERS_MAX:
            raise Unauthenticated
        digest = hashlib.sha256(key.encode()).digest()
        principal = self.found(digest)
        if principal is None:
            raise Unauthenticated
        return Session(principal, digest, self)

    def authenticate(self, authorization: str | None) -> Principal:
        """Whom the header of one request stands for. Raises `Unauthenticated`."""
        return self.session(authorization).principal

    async def watch(self) -> None:
        """Reads the file again whenever it changed, until it is cancelled."""
        while True:
            await asyncio.sleep(RELOAD_S)
            await self.reload()

    async def reload(self) -> None:
        """Reads the file where it changed. Raises nothing: a file that is wrong leaves the keys as they are, and is logged."""
        version = _version_of(self._path)
        if self._path is None or version == self._version:
            return
        self._version = version
        try:
            self._entries = _by_digest(await asyncio.to_thread(load_key_file, self._path, public=self._public))
        except BadConfiguration as error:
            logger.error("The keys stay as they were: %s", error.message)
        else:
            logger.info("The keys file was read again: %d keys.", len(self._entries))


def _by_digest(file: KeyFile) -> dict[bytes, tuple[Principal, float | None]]:
    """With the end of each, in seconds since the epoch."""
    return {entry.digest: (entry.principal, _end_of(entry)) for entry in file.keys}


def _end_of(entry: KeyEntry) -> float | None:
    return entry.expires.timestamp() if entry.expires is not None else None


def _version_of(path: Path | None) -> tuple[int, int, int] | None:
    """Changes with the file, also with one that is put in its place; None for one that is not there."""
    try:
        stat = path.stat() if path is not None else None
    except OSError:
        return None
    return (stat.st_ino, stat.st_size, stat.st_mtime_ns) if stat is not None else None
