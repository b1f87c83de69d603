"""Names of versions, made of content: the same documents have the same version wherever they are ingested."""

import hashlib
import json
from collections.abc import Mapping

VERSION_CHARACTERS = 12


def version_of(content: str) -> str:
    """A document's version."""
    return hashlib.sha256(content.encode()).hexdigest()[:VERSION_CHARACTERS]


def kb_version(documents: Mapping[str, str]) -> str:
    """The version of a whole knowledge base, from its documents' versions by id."""
    return version_of(json.dumps(documents, sort_keys=True))
