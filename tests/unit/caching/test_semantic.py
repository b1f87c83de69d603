"""The semantic cache over a store: partitions, groups of answers, expiry, and what other processes add."""

from collections.abc import Sequence

import numpy as np
import pytest

from switchboard.caching.entries.memory import MemoryEntries
from switchboard.caching.entries.port import Bounds
from switchboard.caching.semantic.cache import SemanticCache, SemanticQuery
from switchboard.caching.semantic.decision import Thresholds
from switchboard.caching.semantic.verifier import load
from switchboard.models.embedder import DIMENSIONS, Vectors

BOUNDS, THRESHOLDS = Bounds(), Thresholds()
QUESTION, SAME = "How do I change the address on my account?", "how can I change the address on my account"


class Words:
    """An embedder whose vectors are counts of words: the same words, the same vector."""

    model_id = "words"
    texts = 0

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts += len(texts)
        rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().strip("?!.").split():
                row[sum(ord(c) * (i + 1) for i, c in enumerate(word)) % DIMENSIONS] += 1.0
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def entries(clock: Clock) -> MemoryEntries:
    return MemoryEntries(clock)


def cache(entries: MemoryEntries) -> SemanticCache:
    return SemanticCache(entries, Words(), load(lambda word: min(1.0, len(word) / 10)))


async def asked(cache: SemanticCache, text: str, partition: str = "aurora") -> SemanticQuery:
    made = await cache.ask(partition, text)
    assert made is not None
    return made


async def keep(cache: SemanticCache, text: str, answer: str = "In the settings.", bounds: Bounds = BOUNDS) -> None:
    await cache.keep(await asked(cache, text), answer, answer.encode(), bounds, THRESHOLDS)


async def test_an_answer_serves_the_same_question_in_other_words(entries: MemoryEntries):
    made = cache(entries)
    await keep(made, QUESTION)
    found = await made.look(await asked(made, SAME), THRESHOLDS)
    assert found.value == b"In the settings."
    assert found.decision.reason == "hit"


async def test_nothing_is_found_across_partitions(entries: MemoryEntries):
    made = cache(entries)
    await keep(made, QUESTION)
    found = await made.look(await asked(made, QUESTION, "borealis"), THRESHOLDS)
    assert (found.value, found.decision.reason) == (None, "empty")


async def test_vectors_of_another_model_are_never_compared(entries: MemoryEntries):
    first = cache(entries)
    await keep(first, QUESTION)
    words = Words()
    words.model_id = "other words"
    second = SemanticCache(entries, words, load(lambda word: 0.5))
    assert (await second.look(await asked(second, QUESTION), THRESHOLDS)).decision.reason == "empty"


async def test_what_another_process_adds_is_found_at_the_next_look(entries: MemoryEntries):
    one, two = cache(entries), cache(entries)
    assert (await two.look(await asked(two, QUESTION), THRESHOLDS)).value is None
    await keep(one, QUESTION)
    assert (await two.look(await asked(two, QUESTION), THRESHOLDS)).value is not None


async def test_what_expired_or_was_evicted_is_not_served(entries: MemoryEntries, clock: Clock):
    made = cache(entries)
    await keep(made, QUESTION, bounds=Bounds(ttl_s=10))
    clock.now = 9.0
    assert (await made.look(await asked(made, QUESTION), THRESHOLDS)).value is not None
    clock.now = 11.0
    assert (await made.look(await asked(made, QUESTION), THRESHOLDS)).value is None
    await keep(made, QUESTION, bounds=Bounds(entries_max=1))
    await keep(made, "Where is the nearest shop to the station?", bounds=Bounds(entries_max=1))
    assert (await made.look(await asked(made, QUESTION), THRESHOLDS)).value is None


async def test_near_questions_with_different_answers_serve_nobody(entries: MemoryEntries):
    made = cache(entries)
    near = "How do I change the address on my account here?"
    await keep(made, QUESTION, "In the settings.")
    await keep(made, near, "You cannot: write to us instead, with a copy of your passport.")
    assert (await made.look(await asked(made, QUESTION), THRESHOLDS)).decision.reason == "agreement"


async def test_near_questions_with_the_same_answer_serve(entries: MemoryEntries):
    made = cache(entries)
    await keep(made, QUESTION, "In the settings.")
    await keep(made, "How do I change the address on my account here?", "In the settings")
    assert (await made.look(await asked(made, SAME), THRESHOLDS)).decision.hit


async def test_a_question_with_somebodys_data_is_not_asked(entries: MemoryEntries):
    assert await cache(entries).ask("t", "Is ada@example.com registered?") is None


async def test_a_question_is_embedded_once_for_the_look_and_the_keeping(entries: MemoryEntries):
    words = Words()
    made = SemanticCache(entries, words, load(lambda word: 0.5))
    question = await asked(made, QUESTION)
    await made.look(question, THRESHOLDS)
    assert words.texts == 1
    await made.keep(question, "Answer.", b"v", BOUNDS, THRESHOLDS)
    assert words.texts == 2  # the answer itself, to compare it with others
