"""The cache of embeddings: by text, so that order and company do not matter."""

from typing import Any

import pytest

from services.gateway.caching.embeddings import TEXTS_MAX, EmbeddingCache, EmbeddingKey, key_of
from switchboard.caching.entries.memory import MemoryEntries
from switchboard.caching.entries.port import Bounds


def key(texts: Any, **more: Any) -> EmbeddingKey:
    made = key_of({"model": "embedding", "input": texts, **more}, tenant="aurora", alias="embedding")
    assert made is not None
    return made


def answer(*vectors: list[float]) -> dict[str, Any]:
    data = [{"object": "embedding", "index": i, "embedding": each} for i, each in enumerate(vectors)]
    return {"data": data, "model": "m", "usage": {"prompt_tokens": 4, "total_tokens": 4}}


async def test_a_list_is_answered_when_each_of_its_texts_is_known():
    cache = EmbeddingCache(MemoryEntries())
    await cache.keep(key(["one", "two"]), answer([1.0], [2.0]), Bounds())
    found = await cache.look(key(["two", "one"]))
    assert found is not None
    assert [row["embedding"] for row in found["data"]] == [[2.0], [1.0]]
    assert found["usage"]["prompt_tokens"] == 4
    assert await cache.look(key(["one", "three"])) is None
    assert await cache.look(key("one")) is not None


async def test_another_encoding_tenant_or_size_is_another_vector():
    cache = EmbeddingCache(MemoryEntries())
    await cache.keep(key("one"), answer([1.0]), Bounds())
    assert await cache.look(key("one", encoding_format="base64")) is None
    assert await cache.look(key("one", dimensions=64)) is None
    other = key_of({"input": "one"}, tenant="borealis", alias="embedding")
    assert other is not None and await cache.look(other) is None


@pytest.mark.parametrize("texts", [[], [1, 2], ["t"] * (TEXTS_MAX + 1), "x" * 5_000, None])
def test_what_is_no_short_list_of_texts_is_not_kept(texts: Any):
    assert key_of({"input": texts}, tenant="t", alias="a") is None
