"""What accompanies a call on its way through the gateway."""

import asyncio
import math
import time
from dataclasses import dataclass, field, replace

from opentelemetry.trace import Span

from services.gateway.call import ModelCall
from services.gateway.calls.route import CallRoute
from services.gateway.calls.settlement import Settlement
from services.gateway.policy.active import ActivePolicy
from services.gateway.ports import CacheLookup
from switchboard.contracts import headers

NOT_LOOKED = CacheLookup(state="off")


@dataclass(frozen=True, slots=True)
class CallContext:
    """One call's. What is decided on its way makes a new one; `route` and `settlement` grow."""

    call: ModelCall
    active: ActivePolicy
    """The one in force when the call began: a newer file does not touch it."""
    span: Span
    route: CallRoute
    settlement: Settlement
    lookup: CacheLookup = NOT_LOOKED
    deadline: float = math.inf
    """The event loop's time after which nobody waits for a model."""
    started: float = field(default_factory=time.perf_counter)

    def looked(self, lookup: CacheLookup) -> "CallContext":
        """The same call, after its caches were asked."""
        self.settlement.cache = self.route.cache = lookup.state
        return replace(self, lookup=lookup)

    def admitted(self) -> "CallContext":
        """The same call as its limits let it pass: under a cheaper alias where a budget is spent, and with a deadline.

        From here on it is a call of that alias: to the caches and in the ledger too.
        """
        admission = self.settlement.admission
        assert admission is not None, "the limits were asked"
        total_s = self.active.times.total_s
        if admission.seconds_left is not None:
            total_s = min(total_s, admission.seconds_left)
        call = self.call
        if admission.alias != call.alias:
            call = self.settlement.call = replace(call, alias=admission.alias)
            self.route.alias = call.alias
        return replace(self, call=call, deadline=asyncio.get_running_loop().time() + total_s)

    def response_headers(self) -> dict[str, str]:
        """What the answer says of its way."""
        return {headers.ROUTE: self.route.header(), headers.REQUEST_ID: self.call.id, **self.lookup.headers}
