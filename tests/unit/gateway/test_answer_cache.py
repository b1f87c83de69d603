"""The gateway's cache behind its port: which of its caches answers, what it tells, and that it never raises."""

import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from services.gateway.caching.answer_cache import AnswerCache
from services.gateway.caching.policy import CacheRule, PartitionThreshold, SemanticRule
from services.gateway.call import CallOwner, ModelCall
from services.gateway.ports import CacheLookup
from services.gateway.providers.port import Spent
from switchboard.caching.entries.memory import MemoryEntries
from switchboard.caching.entries.port import Changes
from switchboard.contracts import headers
from switchboard.contracts.errors import Unavailable
from switchboard.models.embedder import DIMENSIONS, Vectors
from switchboard.models.minilm import MiniLmEmbedder

QUESTION, SAME = "How do I change the address on my account?", "how can I change the address on my account"
SYSTEM = {"role": "system", "content": "You help."}
SPENT = Spent(prompt_tokens=12, completion_tokens=5)


class OneDirection(MiniLmEmbedder):
    """Every text has the same vector, so that only words decide; it counts what it is asked."""

    texts = 0

    async def open(self) -> None: ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts += len(texts)
        rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        rows[:, 0] = 1.0
        return rows

    def rarity(self, word: str) -> float:
        return 0.5


class Broken(MemoryEntries):
    async def get(self, partition: str, identity: str) -> bytes | None:
        raise Unavailable

    async def changes(self, partition: str, place: int) -> Changes:
        raise Unavailable

    async def put(self, *arguments: Any) -> None:
        raise Unavailable


@pytest.fixture
def embedder() -> OneDirection:
    return OneDirection()


@pytest.fixture
def cache(embedder: OneDirection) -> AnswerCache:
    return AnswerCache(CacheRule, MemoryEntries(), embedder)


def call(text: str = QUESTION, *more: dict[str, Any], caller: CallOwner | None = None, **fields: Any) -> ModelCall:
    messages = [SYSTEM, {"role": "user", "content": text}, *more]
    return ModelCall(
        id=uuid.uuid4().hex,
        operation="chat",
        alias="fast",
        body={"model": "fast", "messages": messages, **fields},
        caller=caller or CallOwner(tenant="aurora", user="ada"),
        prompt_tokens=10,
        completion_tokens_max=100,
    )


def answer(text: str | None = "In the settings.", finish_reason: str = "stop", **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": text, **message}
    return {
        "id": "chatcmpl-first",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": said, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17},
    }


async def kept(cache: AnswerCache, asked: ModelCall, body: dict[str, Any] | None = None) -> CacheLookup:
    looked = await cache.look(asked)
    await cache.store(looked.ticket, body or answer(), SPENT)
    return looked


async def test_the_same_request_is_answered_exactly_and_without_an_embedding(
    cache: AnswerCache, embedder: OneDirection
):
    await kept(cache, call())
    before = embedder.texts
    asked = call(stream=True)
    looked = await cache.look(asked)
    assert looked.hit is not None and looked.state == "exact"
    assert looked.hit.body["id"] == f"chatcmpl-{asked.id}"
    assert looked.hit.body["usage"]["total_tokens"] == 17 and looked.hit.saved == SPENT
    assert looked.headers[headers.CACHE].startswith("exact")
    assert embedder.texts == before


async def test_the_same_question_in_other_words_is_answered_by_meaning(cache: AnswerCache):
    await kept(cache, call())
    looked = await cache.look(call(SAME))
    assert looked.hit is not None and (looked.state, looked.hit.state) == ("semantic", "semantic")
    assert "score=" in looked.headers[headers.CACHE]


async def test_a_guard_is_told_in_the_header(cache: AnswerCache):
    await kept(cache, call("Can I add 2 cards?"))
    looked = await cache.look(call("Can I add 3 cards?"))
    assert looked.hit is None and "guard=numbers" in looked.headers[headers.CACHE]


@pytest.mark.parametrize(
    "caller",
    [CallOwner(tenant="borealis", user="ada"), CallOwner(tenant="aurora", knowledge="v2", user="ada")],
)
async def test_another_tenant_or_knowledge_gets_nothing_by_meaning(cache: AnswerCache, caller: CallOwner):
    await kept(cache, call())
    assert (await cache.look(call(SAME, caller=caller))).hit is None


async def test_another_tenant_gets_nothing_exactly(cache: AnswerCache):
    await kept(cache, call())
    assert (await cache.look(call(caller=CallOwner(tenant="borealis")))).state == "miss"


@pytest.mark.parametrize("said", ["", "yes"])
async def test_a_request_with_a_tools_result_is_never_cached(cache: AnswerCache, said: Any):
    result = {"role": "tool", "tool_call_id": "1", "content": "The balance is 7."}
    caller = CallOwner(tenant="aurora", user="ada", cacheable=said)
    looked = await kept(cache, call(QUESTION, result, caller=caller, temperature=0))
    assert (looked.ticket, looked.state) == (None, "off") and "reason=tool_results" in looked.headers[headers.CACHE]


async def test_a_request_that_offers_tools_is_cached_only_where_it_asks_for_the_same_answer(cache: AnswerCache):
    tools = [{"type": "function", "function": {"name": "refund", "parameters": {}}}]
    assert (await kept(cache, call(tools=tools))).ticket is None
    await kept(cache, call(tools=tools, temperature=0))
    assert (await cache.look(call(tools=tools, temperature=0))).state == "exact"
    assert (await cache.look(call(SAME, tools=tools, temperature=0))).hit is None


async def test_a_caller_that_says_no_is_neither_answered_nor_kept(cache: AnswerCache):
    await kept(cache, call())
    looked = await cache.look(call(caller=CallOwner(tenant="aurora", cacheable="no")))
    assert (looked.hit, looked.ticket, looked.state) == (None, None, "off")


async def test_a_request_that_asks_for_variety_is_not_cached(cache: AnswerCache):
    looked = await cache.look(call(temperature=0.8))
    assert (looked.ticket, looked.state) == (None, "off")


async def test_an_answer_that_calls_a_tool_serves_the_very_same_request_only(cache: AnswerCache):
    tools = [{"type": "function", "function": {"name": "refund", "parameters": {}}}]
    caller = CallOwner(tenant="aurora", user="ada", cacheable="yes")
    called = answer(None, "tool_calls", tool_calls=[{"id": "c1", "type": "function", "function": {"name": "refund"}}])
    await kept(cache, call(tools=tools, caller=caller), called)
    assert (await cache.look(call(tools=tools, caller=caller))).state == "exact"
    assert (await cache.look(call(SAME, tools=tools, caller=caller))).hit is None


async def test_a_cut_answer_is_not_kept(cache: AnswerCache):
    await kept(cache, call(), answer(finish_reason="length"))
    assert (await cache.look(call())).hit is None


async def test_the_fallback_goes_by_a_lower_threshold_and_the_same_guards(embedder: OneDirection):
    cache = AnswerCache(lambda: CacheRule(semantic=SemanticRule(threshold=1.0)), MemoryEntries(), embedder)
    await kept(cache, call("Can I add 2 addresses to my account?"))
    near = call("Can I also add my 2 addresses to the account?")
    assert (await cache.look(near)).hit is None
    hit = await cache.nearest(near, score_min=0.88)
    assert hit is not None and hit.state == "fallback"
    assert await cache.nearest(call("Can I add 3 addresses to my account?"), score_min=0.5) is None


async def test_a_partition_has_its_own_threshold():
    rule = SemanticRule(partitions=(PartitionThreshold(tenant="aurora", alias="fast", threshold=0.95),))
    assert rule.thresholds("aurora", "fast").score == 0.95
    assert rule.thresholds("aurora", "quality").score == 0.90


async def test_a_broken_store_is_a_miss(embedder: OneDirection):
    cache = AnswerCache(CacheRule, Broken(), embedder)
    looked = await kept(cache, call())
    assert looked.state == "miss"
    assert (await cache.look(call())).hit is None
    assert await cache.nearest(call(), score_min=0.88) is None


async def test_without_a_rule_nothing_is_cached(embedder: OneDirection):
    cache = AnswerCache(lambda: None, MemoryEntries(), embedder)
    assert (await cache.look(call())).state == "off"


async def test_the_decision_is_logged_with_what_it_saved(cache: AnswerCache, caplog: pytest.LogCaptureFixture):
    await kept(cache, call())
    caplog.clear()
    with caplog.at_level("INFO"):
        await cache.look(call())
    facts = caplog.records[-1].__dict__["cache"]
    assert facts["switchboard.cache.state"] == "exact"
    assert facts["switchboard.cache.saved_tokens"] == 17
    assert {"switchboard.cache.score", "switchboard.cache.guard"} <= facts.keys()
