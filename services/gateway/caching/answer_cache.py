"""The `Cache` of the gateway: first the very same request, then a question that asks the same."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

import orjson

from services.gateway.caching.eligibility import answer_text, exact_refusal, is_whole, question_of
from services.gateway.caching.embeddings import EmbeddingCache, EmbeddingKey, key_of
from services.gateway.caching.fingerprint import fingerprint
from services.gateway.caching.policy import CacheRule, SemanticRule
from services.gateway.call import ModelCall
from services.gateway.ports import CacheHit, CacheLookup, CacheState
from services.gateway.providers.port import Spent
from switchboard.caching.digest import digest
from switchboard.caching.entries.port import Entries
from switchboard.caching.semantic.cache import SemanticCache, SemanticQuery
from switchboard.caching.semantic.decision import ReuseDecision
from switchboard.caching.semantic.verifier import Verifier, load
from switchboard.caching.trace import record_look
from switchboard.contracts import headers
from switchboard.contracts.errors import SwitchboardError
from switchboard.models.minilm import MiniLmEmbedder

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoreTicket:
    """What a look learned that `store` needs. Nothing is stored where a part is None."""

    exact: tuple[str, str] | None = None
    """Partition and identity."""
    query: SemanticQuery | None = None
    embeddings: EmbeddingKey | None = None
    tenant: str = ""
    alias: str = ""


class AnswerCache:
    """Keeps the promises of the port `Cache`. `entries` hold exact answers, meanings and vectors in partitions apart."""

    def __init__(self, rule: Callable[[], CacheRule | None], entries: Entries, embedder: MiniLmEmbedder) -> None:
        """`rule` is the policy's part in force, None where nothing is to be cached."""
        self._rule = rule
        self._entries = entries
        self._embedder = embedder
        self._embeddings = EmbeddingCache(entries)
        self._verifier: Verifier | None = None
        self._semantic: tuple[tuple[str, ...], SemanticCache] | None = None

    async def open(self) -> None:
        """Loads the model where it will be needed, so that the first question does not wait for it."""
        rule = self._rule()
        if rule is not None and rule.semantic.enabled:
            await self._embedder.open()
            self._semantic_of(rule.semantic)

    async def close(self) -> None: ...

    async def look(self, call: ModelCall) -> CacheLookup:
        rule = self._rule()
        if rule is None:
            return CacheLookup(state="off")
        if call.operation == "embeddings":
            return await self._look_for_vectors(call, rule)
        exact: tuple[str, str] | None = None
        refused = exact_refusal(call.body, call.caller.cacheable)
        if refused is not None:
            return self._explained(CacheLookup(state="off"), ReuseDecision("empty"), refused)
        if rule.exact.enabled:
            exact = _exact_key(call)
            hit = _hit(await _safe(self._entries.get(*exact), None), call, "exact", 1.0)
            if hit is not None:
                return self._explained(CacheLookup(hit, state="exact"), ReuseDecision("hit", 0, 1.0), "")
        if not rule.semantic.enabled:
            return self._explained(CacheLookup(ticket=StoreTicket(exact=exact)), ReuseDecision("empty"), "")
        return await self._look_for_meaning(call, rule, exact)

    async def store(self, ticket: Any, body: dict[str, Any], spent: Spent) -> None:
        rule = self._rule()
        if rule is None or not isinstance(ticket, StoreTicket):
            return
        if ticket.embeddings is not None:
            await _safe(self._embeddings.keep(ticket.embeddings, body, rule.embeddings.bounds), None)
            return
        value = orjson.dumps({"body": body, "spent": [spent.prompt_tokens, spent.completion_tokens]})
        if ticket.exact is not None and is_whole(body):
            await _safe(self._entries.put(*ticket.exact, b"", value, rule.exact.bounds), None)
        text = answer_text(body)
        if ticket.query is not None and text is not None and rule.semantic.enabled:
            thresholds = rule.semantic.thresholds(ticket.tenant, ticket.alias)
            keep = self._semantic_of(rule.semantic).keep(ticket.query, text, value, rule.semantic.bounds, thresholds)
            await _safe(keep, None)

    async def nearest(self, call: ModelCall, *, score_min: float) -> CacheHit | None:
        rule = self._rule()
        if rule is None or not rule.semantic.enabled:
            return None
        query = await self._query_of(call, rule.semantic)
        if not isinstance(query, SemanticQuery):
            return None
        thresholds = replace(rule.semantic.thresholds(call.caller.tenant, call.alias), score=score_min)
        found = await _safe(self._semantic_of(rule.semantic).look(query, thresholds), None)
        return None if found is None else _hit(found.value, call, "fallback", found.decision.score)

    async def _look_for_vectors(self, call: ModelCall, rule: CacheRule) -> CacheLookup:
        if not rule.embeddings.enabled or call.caller.cacheable == "no":
            return CacheLookup(state="off")
        key = key_of(call.body, tenant=call.caller.tenant, alias=call.alias)
        if key is None:
            return CacheLookup(state="off")
        body = await _safe(self._embeddings.look(key), None)
        if body is None:
            return CacheLookup(ticket=StoreTicket(embeddings=key))
        saved = Spent(prompt_tokens=body["usage"]["prompt_tokens"])
        return self._explained(
            CacheLookup(CacheHit(body, "exact", saved), state="exact"), ReuseDecision("hit", 0, 1.0), ""
        )

    async def _look_for_meaning(self, call: ModelCall, rule: CacheRule, exact: tuple[str, str] | None) -> CacheLookup:
        query = await self._query_of(call, rule.semantic)
        if not isinstance(query, SemanticQuery):
            return self._explained(CacheLookup(ticket=StoreTicket(exact=exact)), ReuseDecision("empty"), query)
        thresholds = rule.semantic.thresholds(call.caller.tenant, call.alias)
        found = await _safe(self._semantic_of(rule.semantic).look(query, thresholds), None)
        if found is None:
            return self._explained(CacheLookup(ticket=StoreTicket(exact=exact)), ReuseDecision("empty"), "unavailable")
        hit = _hit(found.value, call, "semantic", found.decision.score)
        if hit is not None:
            return self._explained(CacheLookup(hit, state="semantic"), found.decision, "")
        ticket = StoreTicket(exact, query, tenant=call.caller.tenant, alias=call.alias)
        return self._explained(CacheLookup(ticket=ticket), found.decision, "")

    async def _query_of(self, call: ModelCall, rule: SemanticRule) -> SemanticQuery | str:
        """The question to look for, or why there is none."""
        question = question_of(call.body, call.caller.cacheable)
        if isinstance(question, str):
            return question
        caller = call.caller
        scope = [caller.tenant, call.alias, question.prompt, caller.knowledge]
        asked = self._semantic_of(rule).ask(digest(scope), question.text)
        return await _safe(asked, None) or "personal"

    def _semantic_of(self, rule: SemanticRule) -> SemanticCache:
        """Made anew when the policy names other products: what was read with the old ones is read again."""
        if self._semantic is None or self._semantic[0] != rule.product_names:
            if self._verifier is None:
                self._verifier = load(lru_cache(maxsize=65_536)(self._embedder.rarity))
            made = SemanticCache(self._entries, self._embedder, self._verifier, rule.product_names)
            self._semantic = (rule.product_names, made)
        return self._semantic[1]

    def _explained(self, lookup: CacheLookup, decision: ReuseDecision, refused: str) -> CacheLookup:
        """Logs the decision, puts it on the call's span and into a header."""
        saved = lookup.hit.saved.total if lookup.hit is not None else 0
        reason = refused or decision.reason
        facts = record_look(lookup.state, reason, guard=decision.guard, score=decision.score, saved_tokens=saved)
        logger.info(
            "cache %s: %s, score %.3f, guard '%s', %d tokens saved",
            lookup.state, reason, decision.score, decision.guard, saved, extra={"cache": facts},
        )  # fmt: skip
        value = f"{lookup.state}; reason={reason}"
        if decision.score:
            value += f"; score={decision.score:.3f}"
        if decision.guard and lookup.hit is None:
            value += f"; guard={decision.guard}"
        return replace(lookup, headers={headers.CACHE: value})


def _exact_key(call: ModelCall) -> tuple[str, str]:
    tenant = call.caller.tenant
    return f"x:{digest(tenant)}", fingerprint(call.body, tenant=tenant, alias=call.alias)


def _hit(value: bytes | None, call: ModelCall, state: CacheState, score: float) -> CacheHit | None:
    """A kept answer as a new one, with an id and a time of its own."""
    if value is None:
        return None
    kept: dict[str, Any] = orjson.loads(value)
    body = {**kept["body"], "id": f"chatcmpl-{call.id}", "created": int(time.time())}
    return CacheHit(body, state, Spent(*kept["spent"]), score)


async def _safe(work: Awaitable[T], otherwise: T) -> T:
    """A cache that fails is a miss."""
    try:
        return await work
    except (SwitchboardError, ValueError, KeyError, TypeError) as error:
        logger.warning("The cache failed and was passed by: %s", error, extra={"error": type(error).__name__})
        return otherwise
