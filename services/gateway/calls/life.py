"""The life of a model call, top to bottom: limits and budgets, caches, a place, deployments, the settlement."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import orjson
from opentelemetry.trace import Span

from services.gateway.bootstrap import Gateway
from services.gateway.call import ModelCall, Operation, caller_of
from services.gateway.calls.answers.cascade import fault_of
from services.gateway.calls.answers.degraded import polite, with_banner
from services.gateway.calls.answers.reader import EventReader
from services.gateway.calls.answers.stream import ModelStream, OpenedStream
from services.gateway.calls.context import CallContext
from services.gateway.calls.route import CallRoute
from services.gateway.calls.settlement import Attempt, AttemptEnd, Settlement, usage_of
from services.gateway.policy.planner import ChainLink
from services.gateway.ports import CacheHit
from services.gateway.providers.port import TOO_SLOW, Call, ModelAnswer, Provider
from switchboard.contracts.errors import (
    BadConfiguration,
    DeadlineExceeded,
    LimitExceeded,
    OurError,
    SwitchboardError,
)
from switchboard.telemetry import record_usage
from switchboard.telemetry.genai import PROVIDER, REQUEST_MODEL
from switchboard.text.tokens import tokens_of_bytes


@dataclass(frozen=True, slots=True)
class CallReply:
    """What the caller gets: a whole `body`, or a `stream` whose first token is there."""

    headers: dict[str, str]
    body: dict[str, Any] | None = None
    stream: ModelStream | None = None


def _unread_bytes(body: Mapping[str, Any]) -> int:
    """Of the utterances that tools are shown with: only the embedded model reads them, and they are nobody's tokens."""
    return sum(
        len(orjson.dumps(said))
        for tool in body.get("tools") or ()
        for key in ("x-utterances", "x-not")
        if (said := _parameters(tool).get(key))
    )


def _parameters(tool: Any) -> Mapping[str, Any]:
    function: Any = tool.get("function") if isinstance(tool, dict) else None
    parameters: Any = function.get("parameters") if isinstance(function, dict) else None
    return parameters if isinstance(parameters, dict) else {}


class Calls:
    """Shared by all requests; holds no state of any."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def call_of(self, operation: Operation, body: dict[str, Any], headers: Mapping[str, str], size: int) -> ModelCall:
        """A checked request as a call; `size` is its body's length in bytes. Raises `InvalidRequest` for its headers."""
        active = self._gateway.policies.active
        caller = caller_of(headers, anonymous_tier=active.policy.callers.anonymous_tier)
        asked = body.get("max_completion_tokens") or body.get("max_tokens")
        most = asked if isinstance(asked, int) and asked > 0 else active.policy.max_tokens_default
        return ModelCall(
            id=f"{random.getrandbits(128):032x}",  # a system call for better chance costs a tenth of a millisecond
            operation=operation,
            alias=active.planner.preferred(body["model"], caller.preference),
            body=body,
            caller=caller,
            prompt_tokens=tokens_of_bytes(max(0, size - _unread_bytes(body))),
            completion_tokens_max=most if operation == "chat" else 0,
        )

    async def answer(self, call: ModelCall, span: Span) -> CallReply:
        """The life of a call; `span` is its own and ends with it. Raises errors of the contracts.

        A stream's are raised up to its first token only; then its end is the `ModelStream`'s matter.
        """
        gateway = self._gateway
        span.update_name(f"{call.operation} {call.body['model']}")
        span.set_attribute(REQUEST_MODEL, call.body["model"])
        settlement = Settlement(call, gateway.ledger, gateway.background)
        context = CallContext(call, gateway.policies.active, span, CallRoute(call.alias), settlement)
        # Limits and caches are asked at once: each answers after a way to Redis and back.
        looking = asyncio.create_task(gateway.cache.look(call))
        try:
            settlement.admission = await gateway.limits.admit(call)
            context = context.admitted()
            if context.call is not call:  # a spent budget put a cheaper alias in its place
                looking.cancel()
                looking = asyncio.create_task(gateway.cache.look(context.call))
            context = context.looked(await looking)
            if context.lookup.hit is not None:
                reply = _from_cache(context, context.lookup.hit)
            else:
                settlement.slot = await gateway.bulkheads.enter(call.caller)
                reply = await self._from_models(context)
        except BaseException:
            looking.cancel()
            context.route.mark(span)
            await settlement.settle()
            raise
        context.route.mark(span)
        if reply.stream is None:
            await settlement.settle()
            span.end()
        return reply

    async def _from_models(self, context: CallContext) -> CallReply:
        """A cascade's small model, then the deployments of the plan, then what is answered when no model answers."""
        plan = context.active.planner.plan(context.call)
        try:
            if plan.cascade is not None and (body := await self._small_model(plan.cascade, context)) is not None:
                return CallReply(context.response_headers(), body)
            if context.call.stream and context.call.operation == "chat":
                return await self._streamed(plan.links, context)
            return await self._whole(plan.links, context)
        except (OurError, LimitExceeded) as error:
            body = await self._degraded(error, context)
            return CallReply(context.response_headers(), body)

    async def _whole(self, links: Sequence[ChainLink], context: CallContext) -> CallReply:
        send = _embed if context.call.operation == "embeddings" else _chat
        answer, attempt = await self._gateway.attempts.run(links, send, context)
        body = _accounted(answer, attempt, context)
        if context.lookup.ticket is not None:
            context.settlement.afterwards(self._gateway.cache.store(context.lookup.ticket, body, answer.spent))
        return CallReply(context.response_headers(), body)

    async def _streamed(self, links: Sequence[ChainLink], context: CallContext) -> CallReply:
        opened, attempt = await self._gateway.attempts.run(links, _open_stream, context)
        context.span.set_attribute(PROVIDER, attempt.provider.name)
        stream = ModelStream(opened, attempt, context, self._gateway.cache)
        return CallReply(context.response_headers(), stream=stream)

    async def _small_model(self, link: ChainLink, context: CallContext) -> dict[str, Any] | None:
        """Its answer, if it passes the checks. Where it does not answer at all, the larger one is asked."""
        cascade = context.active.policy.aliases[context.call.alias].cascade
        assert cascade is not None, "the plan has a cascade"
        try:
            answer, attempt = await self._gateway.attempts.run([link], _chat, context)
        except (OurError, LimitExceeded):
            return None
        fault = fault_of(answer.body, context.call.body, cascade.checks)
        if not fault:
            return _accounted(answer, attempt, context)
        context.span.add_event("cascade", {"deployment": attempt.target.name, "fault": fault})
        context.settlement.ended(attempt, AttemptEnd("rejected", answer.spent, answer.model, fault))
        return None

    async def _degraded(self, error: SwitchboardError, context: CallContext) -> dict[str, Any]:
        """The last links of the chain: an answer from the cache under a banner, or a polite sentence. Else the error."""
        call, route = context.call, context.route
        alias = context.active.policy.aliases.get(call.alias)
        if alias is None or call.operation != "chat" or isinstance(error, BadConfiguration):
            raise error
        chain = alias.fallback
        if chain.features is not None and call.caller.feature not in chain.features:
            raise error
        if chain.answer_cache is not None:
            hit = await self._gateway.cache.nearest(call, score_min=chain.answer_cache)
            body = with_banner(hit.body) if hit is not None else None
            if hit is not None and body is not None:
                route.answered_by("answer_cache", "fallback")
                context.settlement.answered_by_cache(hit, route.step, context.started)
                return {**body, "usage": usage_of(body["usage"], 0, cache="semantic")}
        if chain.message:
            route.answered_by("message", route.cache)
            body = polite(call)
            return {**body, "usage": usage_of(body["usage"], 0)}
        raise error


def _from_cache(context: CallContext, hit: CacheHit) -> CallReply:
    exact = hit.state == "exact"
    context.route.answered_by("exact_cache" if exact else "semantic_cache", hit.state)
    context.settlement.answered_by_cache(hit, context.route.step, context.started)
    usage = usage_of(hit.body.get("usage"), 0, cache="exact" if exact else "semantic")
    return CallReply(context.response_headers(), {**hit.body, "usage": usage})


def _accounted(answer: ModelAnswer, attempt: Attempt, context: CallContext) -> dict[str, Any]:
    """Records a whole answer; its body with the cost in its usage."""
    cost = context.settlement.ended(attempt, AttemptEnd("ok", answer.spent, answer.model))
    context.span.set_attribute(PROVIDER, attempt.provider.name)
    record_usage(
        context.span,
        input_tokens=answer.spent.prompt_tokens,
        output_tokens=answer.spent.completion_tokens,
        response_model=answer.model,
        finish_reason=answer.finish_reason,
        cost_picousd=cost,
    )
    return {**answer.body, "usage": usage_of(answer.body.get("usage"), cost)}


async def _chat(provider: Provider, call: Call) -> ModelAnswer:
    if call.body.get("stream"):  # a cascade wants it whole
        whole = {key: value for key, value in call.body.items() if key not in ("stream", "stream_options")}
        call = replace(call, body=whole)
    async with _within(call.times.answer_s):
        return await provider.chat(call)


async def _embed(provider: Provider, call: Call) -> ModelAnswer:
    async with _within(call.times.answer_s):
        return await provider.embed(call)


async def _open_stream(provider: Provider, call: Call) -> OpenedStream:
    """The stream with its first token."""
    times = call.times
    started = time.perf_counter()
    async with _within(times.first_token_s):
        source = await provider.stream(call)
    opened = OpenedStream(source, EventReader(call.model))
    await opened.wait(max(0.001, times.first_token_s - (time.perf_counter() - started)))
    return opened


@asynccontextmanager
async def _within(seconds: float) -> AsyncGenerator[None]:
    """Raises `DeadlineExceeded` in a provider's name: another deployment may be quicker."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise DeadlineExceeded(TOO_SLOW) from error
