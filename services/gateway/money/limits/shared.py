"""Limits and budgets shared by all replicas: one round trip to Redis to reserve, one message to settle.

Exact under concurrency, because a script checks and counts in one step. A reservation holds leases that are renewed
while its call runs; when its gateway dies they end by themselves within `LEASE_S`, and its tokens age with the window.
While Redis is away, `LocalLimits` holds in each replica (tenants' budgets of money do not).
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from services.gateway.call import ModelCall
from services.gateway.money.limits.demand import Demand, Refusal, error_of
from services.gateway.money.limits.local import LocalHold, LocalLimits
from services.gateway.money.limits.tiers import Rules
from services.gateway.redis import keys
from services.gateway.redis.pipe import Pipe, RedisAway
from services.gateway.redis.scripts import RENEW, RESERVE, SETTLE
from switchboard.ledger.record import day_of

logger = logging.getLogger(__name__)

LEASE_S = 30.0
TURN_KEPT_S = 86_400
CONVERSATION_KEPT_S = 30 * 86_400
SETTLED_KEPT_S = 900


class Tariff(Protocol):
    """What a call may cost at most."""

    def estimate(self, alias: str, prompt_tokens: int, completion_tokens: int) -> int:
        """In picodollars, at the dearest deployment that may serve `alias`. Never raises."""
        ...


@dataclass(slots=True)
class Reserved:
    """What one call holds until it is settled."""

    demand: Demand
    alias: str
    """What to call: the alias asked for, or the cheaper one of a spent budget."""
    seconds_left: float | None
    """Of the turn's or conversation's model time: the call should not take longer."""
    started_s: float
    hold: LocalHold | int
    """The bucket of the shared window, or what is held locally."""
    held_picousd: int
    names: list[str]
    """Of its scopes in Redis."""
    owner: "SharedLimits"
    is_settled: bool = False

    async def settle(self, cost_picousd: int, tokens: int) -> None:
        """Once, however the call ended, over all of its attempts. Does not wait for Redis."""
        if not self.is_settled:
            self.is_settled = True
            self.owner.settle(self, tokens, cost_picousd)


class SharedLimits:
    """The adapter of the `Limits` port."""

    def __init__(
        self,
        rules: Callable[[], Rules],
        tariff: Tariff,
        pipe: Pipe | None,
        *,
        window_s: float = 60.0,
        bucket_s: float = 1.0,
        lease_s: float = LEASE_S,
    ) -> None:
        """`pipe` None: all is kept in this process. It is opened and closed by its maker."""
        self._rules = rules
        self._tariff = tariff
        self._pipe = pipe
        self._window_ms, self._bucket_ms = round(window_s * 1000), round(bucket_s * 1000)
        self._lease_s = lease_s
        self._local = LocalLimits(window_s=window_s, bucket_s=bucket_s)
        self._held: dict[str, Reserved] = {}
        self._renewer: asyncio.Task[None] | None = None

    async def open(self) -> None:
        if self._pipe is not None:
            self._renewer = asyncio.create_task(self._renew(), name="limits-leases")

    async def close(self) -> None:
        if self._renewer is not None:
            self._renewer.cancel()
            await asyncio.gather(self._renewer, return_exceptions=True)

    async def admit(self, call: ModelCall) -> Reserved:
        """Raises `QuotaExceeded` (a `LimitExceeded`) with what was exceeded and when to try again."""
        rules = self._rules()
        demand = self._demand(call, rules)
        reserved = Reserved(demand, call.alias, None, time.time(), 0, demand.cost_picousd, _scope_keys(demand), self)
        if self._pipe is not None and self._pipe.is_up:
            try:
                await self._reserve_shared(self._pipe, call, reserved, rules)
                return reserved
            except RedisAway:
                logger.warning("Redis is away: limits are kept in this process until it is back.")
        self._reserve_here(reserved)
        return reserved

    def settle(self, reserved: Reserved, tokens: int, cost_picousd: int) -> None:
        demand, ms = reserved.demand, round((time.time() - reserved.started_s) * 1000)
        self._held.pop(demand.id, None)
        if isinstance(reserved.hold, LocalHold):
            self._local.settle(demand, reserved.hold, tokens=tokens, picousd=cost_picousd, ms=ms)
            return
        assert self._pipe is not None, "only a shared reservation has a bucket"
        names = [*reserved.names, keys.done("settled", int(reserved.started_s // 60))]
        arguments = [
            *(demand.id, self._window_ms, self._bucket_ms, reserved.hold, demand.tokens, tokens),
            *(reserved.held_picousd, cost_picousd, ms),
            *(int(not each.is_unlimited) for each in (demand.allowed.tenant, demand.allowed.user)),
            *(int(bool(demand.turn)), int(bool(demand.conversation)), SETTLED_KEPT_S),
        ]
        try:
            due = self._pipe.send(SETTLE, names, arguments)
        except RedisAway:
            return  # its leases end, and its tokens age, by themselves
        due.add_done_callback(_settled)

    def _demand(self, call: ModelCall, rules: Rules) -> Demand:
        caller, budgets = call.caller, rules.budgets
        prompt, completion = call.prompt_tokens, call.completion_tokens_max
        tenant_budget = budgets.of(caller.tenant)
        cost = self._tariff.estimate(call.alias, prompt, completion)
        limited = tenant_budget.day_usd is not None or tenant_budget.month_usd is not None
        cheaper = cost
        if cost and limited and call.operation == "chat":
            cheaper = self._tariff.estimate(budgets.downgrade_to, prompt, completion)
        return Demand(
            id=call.id,
            tenant=caller.tenant,
            user=caller.user,
            turn=caller.turn,
            conversation=caller.conversation,
            tokens=prompt + completion,
            is_stream=call.stream,
            cost_picousd=cost,
            cheaper_picousd=min(cost, cheaper),
            allowed=rules.limits.allowed(caller.tenant, caller.tier),
            tenant_budget=tenant_budget,
            turn_budget=budgets.turn,
            conversation_budget=budgets.conversation,
        )

    def _reserve_here(self, reserved: Reserved) -> None:
        held = self._local.reserve(reserved.demand)
        if isinstance(held, Refusal):
            raise error_of(held, reserved.demand, datetime.now(UTC))
        reserved.hold = held
        reserved.seconds_left = None if held.ms_left is None else held.ms_left / 1000

    async def _reserve_shared(self, pipe: Pipe, call: ModelCall, reserved: Reserved, rules: Rules) -> None:
        demand, budget = reserved.demand, reserved.demand.tenant_budget
        names = [
            *reserved.names,
            keys.spent(demand.tenant, (day := day_of(reserved.started_s))),
            keys.spent(demand.tenant, day[:7]),
            keys.cap(demand.tenant),
        ]
        arguments = [
            *(demand.id, self._window_ms, self._bucket_ms, round(self._lease_s * 1000)),
            *(demand.tokens, int(demand.is_stream)),
            *demand.allowed.tenant.numbers,
            *demand.allowed.user.numbers,
            *(int(bool(demand.turn)), *demand.turn_budget.numbers),
            *(int(bool(demand.conversation)), *demand.conversation_budget.numbers),
            *(budget.day_picousd, budget.month_picousd, budget.at_limit),
            *(demand.cost_picousd, demand.cheaper_picousd, TURN_KEPT_S, CONVERSATION_KEPT_S),
        ]
        due = pipe.send(RESERVE, names, arguments)
        try:
            answer = await pipe.answer(due)
        except asyncio.CancelledError:
            due.add_done_callback(lambda done: self._give_back(reserved, done))
            raise
        if answer[0] == 0:
            whose, what = answer[1].decode(), answer[2].decode()
            refusal = Refusal(whose, what, int(answer[3]), int(answer[4]), int(answer[5]))
            raise error_of(refusal, demand, datetime.now(UTC))
        _, bucket, downgraded, ms_left = answer
        reserved.hold = int(bucket)
        reserved.seconds_left = None if ms_left < 0 else ms_left / 1000
        if downgraded:
            reserved.held_picousd = demand.cheaper_picousd
            if call.operation == "chat":  # no chat model can stand in for an embedding
                reserved.alias = rules.budgets.downgrade_to
        if demand.is_stream or demand.turn or demand.conversation:
            self._held[demand.id] = reserved

    def _give_back(self, reserved: Reserved, done: asyncio.Future[Any]) -> None:
        """Of a call that was cancelled while it waited for its reservation."""
        if done.cancelled() or done.exception() is not None or done.result()[0] == 0:
            return
        reserved.hold = int(done.result()[1])
        if done.result()[2]:
            reserved.held_picousd = reserved.demand.cheaper_picousd
        self.settle(reserved, 0, 0)

    async def _renew(self) -> None:
        """Tells Redis, three times a lease, which calls are still under way."""
        while True:
            await asyncio.sleep(self._lease_s / 3)
            aged = time.time() - self._lease_s / 4  # most calls end before they need this
            names: list[str] = []
            members: list[str] = []
            for reserved in self._held.values():
                if reserved.started_s < aged:
                    for name, member in _leases(reserved):
                        names.append(name)
                        members.append(member)
            if names and self._pipe is not None:
                try:
                    due = self._pipe.send(RENEW, names, [round(self._lease_s * 1000), *members])
                except RedisAway:
                    continue
                due.add_done_callback(_settled)


def _settled(due: asyncio.Future[Any]) -> None:
    error = None if due.cancelled() else due.exception()
    if error is not None and not isinstance(error, RedisAway):
        logger.error("Redis refused a settlement: %s", error)


def _scope_keys(demand: Demand) -> list[str]:
    turn, conversation = keys.turn(demand.tenant, demand.turn), keys.conversation(demand.tenant, demand.conversation)
    return [
        keys.tenant_window(demand.tenant, demand.allowed.plan),
        keys.user_window(demand.tenant, demand.user),
        keys.tenant_streams(demand.tenant, demand.allowed.plan),
        keys.user_streams(demand.tenant, demand.user),
        *(turn, keys.under_way(turn), conversation, keys.under_way(conversation)),
    ]


def _leases(reserved: Reserved) -> list[tuple[str, str]]:
    """(sorted set, member) of everything that a call holds for a time."""
    demand, names = reserved.demand, reserved.names
    member = f"{demand.id}:{demand.tokens}:{reserved.held_picousd}"
    found = [(names[2], demand.id), (names[3], demand.id)] if demand.is_stream else []
    if demand.turn:
        found.append((names[5], member))
    if demand.conversation:
        found.append((names[7], member))
    return found
