"""Topics in the registry's state: pages that are read whole or not at all."""

import numpy as np
import orjson

from switchboard.contracts.agent_topics import TEXT_CHARACTERS_MAX, TEXTS_MAX, AgentTopics, TopicText
from switchboard.models.embedder import DIMENSIONS
from switchboard.models.int8_vectors import packed, unpacked
from switchboard.sidecar import keys
from switchboard.sidecar.agent_topics import PAGE_TEXTS_MAX, PAGES_MAX, AgentTopicsStore
from switchboard.sidecar.inmemory import InMemorySidecar
from switchboard.sidecar.ports import VALUE_BYTES_MAX


def topics(count: int, begin: str = "question") -> AgentTopics:
    vectors = np.random.default_rng(0).normal(size=(count, DIMENSIONS)).astype(np.float32)
    texts = tuple(TopicText(f"section {n % 7}", f"{begin} {n}") for n in range(count))
    return AgentTopics(texts, "m", packed(vectors))


async def test_what_was_written_is_read_by_its_digest() -> None:
    store = AgentTopicsStore(InMemorySidecar().state)
    for told in (topics(1), topics(PAGE_TEXTS_MAX), topics(PAGE_TEXTS_MAX + 1), topics(3)):
        await store.write("billing", told)
        assert await store.read("billing", told.digest) == told
        assert await store.stands("billing", told.digest)
    assert await store.read("billing", topics(1).digest) is None
    assert await store.read("tech", topics(3).digest) is None


async def test_pages_of_two_sets_are_no_set() -> None:
    state = InMemorySidecar().state
    store = AgentTopicsStore(state)
    old, new = topics(PAGE_TEXTS_MAX + 9), topics(PAGE_TEXTS_MAX + 9, "other")
    await store.write("billing", old)
    first = await state.get(keys.agent_topics("billing", 0))
    await store.write("billing", new)
    assert first is not None
    await state.put(keys.agent_topics("billing", 0), first.value)

    assert await store.read("billing", old.digest) is None
    assert await store.read("billing", new.digest) is None


async def test_a_malformed_page_is_none() -> None:
    state = InMemorySidecar().state
    await state.put(keys.agent_topics("billing", 0), {"digest": "x", "pages": "many"})

    assert await AgentTopicsStore(state).read("billing", "x") is None


async def test_the_longest_texts_fit_into_a_value() -> None:
    state = InMemorySidecar().state
    wide = tuple(
        TopicText("𝔸" * TEXT_CHARACTERS_MAX, "𝔸" * (TEXT_CHARACTERS_MAX - 5) + f"{n:05}") for n in range(TEXTS_MAX)
    )
    await AgentTopicsStore(state).write("billing", AgentTopics(wide, "m", bytes(TEXTS_MAX * DIMENSIONS)))

    sizes: list[int] = []
    for page in range(PAGES_MAX):
        item = await state.get(keys.agent_topics("billing", page))
        assert item is not None
        sizes.append(len(orjson.dumps(item.value)))
    assert max(sizes) <= VALUE_BYTES_MAX


def test_a_byte_a_dimension_keeps_the_direction() -> None:
    vectors = np.random.default_rng(1).normal(size=(50, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    assert ((vectors * unpacked(packed(vectors))).sum(axis=1) > 0.999).all()
    assert unpacked(b"").shape == (0, DIMENSIONS)
