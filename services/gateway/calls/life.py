"""The life of a model call, top to bottom: limits and budgets, caches, a place, deployments, the account."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from opentelemetry.trace import Span

from services.gateway.bootstrap import Gateway
from services.gateway.calls.account import Account
from services.gateway.calls.caller import caller_of
from services.gateway.calls.cascade import fault_of
from services.gateway.calls.degraded import polite, with_banner
from services.gateway.calls.events import EventReader
from services.gateway.calls.planner import Plan, Step
from services.gateway.calls.ports import CacheHit, Looked, ModelCall, Operation
from services.gateway.calls.route import HEADER, REQUEST_ID, Route
from services.gateway.calls.stream import ModelStream, Opened
from services.gateway.money.pricing import cost_usd
from services.gateway.policy import Target
from services.gateway.policy.in_force import Force
from services.gateway.providers.port import Answer, Call, Provider
from switchboard.contracts.errors import BadConfiguration, LimitExceeded, OurError, SwitchboardError
from switchboard.contracts.money import picousd_of
from switchboard.telemetry import record_usage
from switchboard.telemetry.genai import PROVIDER, REQUEST_MODEL

CHARACTERS_A_TOKEN = 4
GENAI_NAMES = {"azure_openai": "azure.ai.openai"}
"""Kinds of providers whose name in OpenTelemetry's `gen_ai.provider.name` is another."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the caller gets: a whole `body`, or a `stream` whose first token is there."""

    headers: dict[str, str]
    body: dict[str, Any] | None = None
    stream: ModelStream | None = None


class Calls:
    """Shared by all requests; holds no state of any."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def call_of(self, operation: Operation, body: dict[str, Any], headers: Mapping[str, str], size: int) -> ModelCall:
        """A checked request as a call; `size` is its body's length in bytes. Raises `InvalidRequest` for its headers."""
        force = self._gateway.in_force.now
        caller = caller_of(headers, anonymous_tier=force.policy.callers.anonymous_tier)
        asked = body.get("max_completion_tokens") or body.get("max_tokens")
        most = asked if isinstance(asked, int) and asked > 0 else force.policy.max_tokens_default
        return ModelCall(
            id=f"{random.getrandbits(128):032x}",  # a system call for better chance costs a tenth of a millisecond
            operation=operation,
            alias=force.planner.preferred(body["model"], caller.preference),
            body=body,
            caller=caller,
            prompt_tokens=-(-size // CHARACTERS_A_TOKEN),
            completion_tokens_max=most if operation == "chat" else 0,
        )

    async def answer(self, call: ModelCall, span: Span) -> Reply:
        """The life of a call; `span` is its own and ends with it. Raises errors of the contracts.

        A stream's are raised up to its first token only; then its end is the `ModelStream`'s matter.
        """
        gateway, force = self._gateway, self._gateway.in_force.now
        span.update_name(f"{call.operation} {call.body['model']}")
        span.set_attribute(REQUEST_MODEL, call.body["model"])
        started = time.perf_counter()
        route = Route(call.alias)
        account = Account(call, gateway.ledger, route.cache, gateway.background)
        # Limits and cache are asked at once: each answers after a way to Redis and back.
        looking = asyncio.create_task(gateway.cache.look(call))
        try:
            account.admission = await gateway.limits.admit(call)
            if account.admission.alias != call.alias:
                # From here on it is a call of the cheaper alias: to the caches and in the ledger too.
                account.call = call = replace(call, alias=account.admission.alias)
                route.alias = call.alias
                looking.cancel()
                looking = asyncio.create_task(gateway.cache.look(call))
            looked = await looking
            account.cache = route.cache = looked.state
            if looked.hit is not None:
                reply = self._from_cache(looked, looked.hit, call, route, account, started)
            else:
                account.slot = await gateway.walls.enter(call.caller)
                alias = call.alias
                plan = force.planner.plan(call, alias)
                try:
                    reply = await self._asked(plan, call, route, account, span, force, looked, started)
                except (OurError, LimitExceeded) as error:
                    body = await self._degraded(error, call, alias, route, account, force, started)
                    reply = Reply(_headers(call, route, looked), body)
        except BaseException:
            looking.cancel()
            route.mark(span)
            await account.settle()
            raise
        route.mark(span)
        if reply.stream is None:
            await account.settle()
            span.end()
        return reply

    async def _asked(
        self,
        plan: Plan,
        call: ModelCall,
        route: Route,
        account: Account,
        span: Span,
        force: Force,
        looked: Looked,
        started: float,
    ) -> Reply:
        """A cascade's small model, then the deployments of the plan."""
        left_s = account.admission.seconds_left if account.admission is not None else None
        total_s = force.times.total_s if left_s is None else min(force.times.total_s, left_s)
        deadline = asyncio.get_running_loop().time() + total_s
        ways: dict[str, Any] = {
            "account": account,
            "route": route,
            "span": span,
            "retry": force.policy.retry,
            "times": force.times,
            "deadline": deadline,
        }
        run = self._gateway.attempts.run
        if plan.cascade is not None:
            answer = await self._small(plan.cascade, call, force, ways, started)
            if answer is not None:
                return Reply(_headers(call, route, looked), answer)
        if not call.stream or call.operation == "embeddings":
            send = _embed if call.operation == "embeddings" else _chat
            answer, target = await run(plan.steps, force.providers, send, **ways)
            body = _accounted(answer, target, account, route, span, started)
            if looked.ticket is not None:
                account.afterwards(self._gateway.cache.store(looked.ticket, body, answer.spent))
            return Reply(_headers(call, route, looked), body)
        opened, target = await run(plan.steps, force.providers, _open_stream, **ways)
        span.set_attribute(PROVIDER, GENAI_NAMES.get(target.kind, target.kind))
        stream = ModelStream(
            opened,
            account=account,
            route=route,
            span=span,
            target=target,
            provider=force.providers[target.provider],
            times=force.times,
            deadline=deadline,
            cache=self._gateway.cache,
            ticket=looked.ticket,
            started=started,
        )
        return Reply(_headers(call, route, looked), stream=stream)

    async def _small(
        self, step: Step, call: ModelCall, force: Force, ways: dict[str, Any], started: float
    ) -> dict[str, Any] | None:
        """The small model's answer, if it passes the checks. Where it does not answer at all, the larger one is asked."""
        rule = force.policy.aliases[call.alias].cascade if call.alias in force.policy.aliases else None
        if rule is None:
            return None
        account, route, span = ways["account"], ways["route"], ways["span"]
        try:
            answer, target = await self._gateway.attempts.run([step], force.providers, _chat, **ways)
        except (OurError, LimitExceeded):
            return None
        fault = fault_of(answer.body, call.body, rule.checks)
        if not fault:
            return _accounted(answer, target, account, route, span, started)
        span.add_event("cascade", {"deployment": target.name, "fault": fault})
        account.record(target, route.step, "rejected", answer.spent, started, model=answer.model, error=fault)
        return None

    def _from_cache(
        self, looked: Looked, hit: CacheHit, call: ModelCall, route: Route, account: Account, started: float
    ) -> Reply:
        step = "exact_cache" if hit.state == "exact" else "semantic_cache"
        route.answered_by(step, hit.state)
        account.from_cache(hit, step, started)
        usage = hit.body.get("usage")
        told = {**(usage if isinstance(usage, dict) else {}), "cost_usd": 0.0}
        return Reply(_headers(call, route, looked), {**hit.body, "usage": told})

    async def _degraded(
        self,
        error: SwitchboardError,
        call: ModelCall,
        alias: str,
        route: Route,
        account: Account,
        force: Force,
        started: float,
    ) -> dict[str, Any]:
        """The last links of the chain: an answer from the cache under a banner, or a polite sentence. Else the error."""
        rule = force.policy.aliases.get(alias)
        if rule is None or call.operation != "chat" or isinstance(error, BadConfiguration):
            raise error
        chain = rule.fallback
        if chain.features is not None and call.caller.feature not in chain.features:
            raise error
        if chain.answer_cache is not None:
            hit = await self._gateway.cache.nearest(call, score_min=chain.answer_cache)
            body = with_banner(hit.body) if hit is not None else None
            if hit is not None and body is not None:
                route.answered_by("answer_cache", "fallback")
                account.from_cache(hit, route.step, started)
                return body
        if chain.message:
            route.answered_by("message", route.cache)
            return polite(call)
        raise error


async def _chat(provider: Provider, call: Call) -> Answer:
    if call.body.get("stream"):  # a cascade wants it whole
        whole = {key: value for key, value in call.body.items() if key not in ("stream", "stream_options")}
        call = replace(call, body=whole)
    async with _within(call.times.answer_s):
        return await provider.chat(call)


async def _embed(provider: Provider, call: Call) -> Answer:
    async with _within(call.times.answer_s):
        return await provider.embed(call)


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    """Raises `DeadlineExceeded` in a provider's name: another deployment may be quicker."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise Opened.too_slow() from error


async def _open_stream(provider: Provider, call: Call) -> Opened:
    """The stream with its first token."""
    times = call.times
    started = time.perf_counter()
    async with _within(times.first_token_s):
        source = await provider.stream(call)
    opened = Opened(source, EventReader(call.model))
    await opened.wait(max(0.001, times.first_token_s - (time.perf_counter() - started)))
    return opened


def _accounted(
    answer: Answer, target: Target, account: Account, route: Route, span: Span, started: float
) -> dict[str, Any]:
    """Records a whole answer; its body with the cost in its usage."""
    account.record(target, route.step, "ok", answer.spent, started, model=answer.model)
    cost = cost_usd(target, answer.model, answer.spent)
    span.set_attribute(PROVIDER, GENAI_NAMES.get(target.kind, target.kind))
    record_usage(
        span,
        input_tokens=answer.spent.prompt_tokens,
        output_tokens=answer.spent.completion_tokens,
        response_model=answer.model,
        finish_reason=answer.finish_reason,
        cost_picousd=picousd_of(cost),
    )
    usage = answer.body.get("usage")
    return {**answer.body, "usage": {**(usage if isinstance(usage, dict) else {}), "cost_usd": cost}}


def _headers(call: ModelCall, route: Route, looked: Looked) -> dict[str, str]:
    return {HEADER: route.header(), REQUEST_ID: call.id, **looked.headers}
