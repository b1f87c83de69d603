"""Users as the ledger knows them: one pseudonym each, which tells nobody who it is.

The ledger is append-only and kept for two years; a person's id in it could never be erased. The pseudonym is keyed (HMAC-
SHA-256, RFC 2104) with a secret of this data folder: without it nobody finds out whose a record is, by trying ids neither.
"""

import hashlib
import hmac
import logging
import os
import secrets
from functools import lru_cache
from pathlib import Path

FILE = "pseudonyms.key"
KEY_BYTES = 32
CHARACTERS = 16
"""64 bits: two of a million users are alike with a chance of one in 37 million."""
KEPT_MAX = 10_000
logger = logging.getLogger(__name__)

NOBODY = frozenset({"", "anonymous"})


class Pseudonyms:
    """May be called from any thread. Removing the file cuts every pseudonym from its person for good."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._key = secrets.token_bytes(KEY_BYTES)
        self._cached = lru_cache(maxsize=KEPT_MAX)(self._made)

    def open(self) -> None:
        """Reads the secret, made where there is none yet: replicas that share a folder share it. Blocks on the disk.

        Where the disk does not let it, the secret is this process's alone, and that is logged.
        """
        try:
            self._key = _key_of(self._file)
        except OSError as error:
            logger.warning("The ledger's pseudonyms are of this process alone: %s", error)
        self._cached.cache_clear()

    def of(self, tenant: str, user: str) -> str:
        """The same for the same user of the same tenant; who names nobody stays so."""
        return user if user in NOBODY else self._cached(tenant, user)

    def _made(self, tenant: str, user: str) -> str:
        said = f"{len(tenant)}:{tenant}{user}".encode()
        return f"u-{hmac.new(self._key, said, hashlib.sha256).hexdigest()[:CHARACTERS]}"


def _key_of(file: Path) -> bytes:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}.tmp")
    if not file.exists():
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
            opened.write(secrets.token_bytes(KEY_BYTES))
        try:
            os.link(draft, file)  # whoever is first; the others take theirs
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return file.read_bytes()
