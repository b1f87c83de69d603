"""The cache of embeddings: a vector a text, so that a list is answered when each of its texts was embedded before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from services.gateway.caching.fingerprint import fingerprint
from switchboard.caching.digest import digest
from switchboard.caching.entries.port import Bounds, Entries

TEXTS_MAX = 8
"""Longer lists are documents on their way into an index: they come once and would push out what is asked again."""
TEXT_CHARACTERS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class EmbeddingKey:
    """Where the vectors of one request are."""

    partition: str
    identities: tuple[str, ...]


def key_of(body: Mapping[str, Any], *, tenant: str, alias: str) -> EmbeddingKey | None:
    """None for a request whose vectors are not kept."""
    texts = body.get("input")
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list) or not 0 < len(texts) <= TEXTS_MAX:
        return None
    if not all(isinstance(text, str) and len(text) <= TEXT_CHARACTERS_MAX for text in texts):
        return None
    rest = {key: value for key, value in body.items() if key != "input"}
    partition = "e:" + fingerprint(rest, tenant=tenant, alias=alias)[:24]
    return EmbeddingKey(partition, tuple(digest(text) for text in texts))


class EmbeddingCache:
    """May be used concurrently. Raises `Unavailable` when its store does not answer."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    async def look(self, key: EmbeddingKey) -> dict[str, Any] | None:
        """A whole answer in OpenAI's shape with the usage it had, or None where a single vector is missing."""
        found = await self._entries.get_many(key.partition, key.identities)
        if any(each is None for each in found):
            return None
        rows: list[dict[str, Any]] = [orjson.loads(each) for each in found if each is not None]
        tokens = sum(row["tokens"] for row in rows)
        data = [{"object": "embedding", "index": i, "embedding": row["embedding"]} for i, row in enumerate(rows)]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": data, "model": rows[0]["model"], "usage": usage}

    async def keep(self, key: EmbeddingKey, body: Mapping[str, Any], bounds: Bounds) -> None:
        """Keeps each vector of an answer; the prompt's tokens are shared out evenly."""
        data: Sequence[Mapping[str, Any]] = sorted(body.get("data") or [], key=lambda row: row["index"])
        if len(data) != len(key.identities):
            return
        usage = body.get("usage") or {}
        tokens = -(-int(usage.get("prompt_tokens") or 0) // len(data))
        for identity, row in zip(key.identities, data, strict=True):
            value = orjson.dumps({"embedding": row["embedding"], "model": body.get("model") or "", "tokens": tokens})
            await self._entries.put(key.partition, identity, b"", value, bounds)
