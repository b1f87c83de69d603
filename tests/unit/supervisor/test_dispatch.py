"""What the supervisor asks of the sidecar when it invokes a specialist."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.supervisor.turns.dispatch import Specialists
from switchboard.contracts.cards import AgentCard, AgentRegistration, Skill
from switchboard.contracts.errors import Unavailable
from switchboard.contracts.turns import Principal, TurnRequest

LEFT_S = 5.0


class Invoker:
    """Keeps how long an invocation may last, and answers nothing."""

    def __init__(self) -> None:
        self.timeouts_s: list[float] = []

    @asynccontextmanager
    async def open(self, *_: Any, timeout_s: float, **__: Any) -> AsyncIterator[Any]:
        self.timeouts_s.append(timeout_s)
        raise Unavailable
        yield


async def test_an_invocation_outlasts_its_turn_so_that_the_turns_clock_says_who_was_too_slow() -> None:
    card = AgentCard(
        id="tech", name="Tech", version="1", description="d", owner="o", model="fast", instructions="i",
        skills=[Skill(id="s", description="d", examples=["e"])],
    )  # fmt: skip
    agent = AgentRegistration(card=card, app_id="tech", instance="i")
    deadline = datetime.now(UTC) + timedelta(seconds=LEFT_S)
    principal = Principal(tenant="t", user="u")
    request = TurnRequest(turn_id="c.1", conversation_id="c", principal=principal, message="m", deadline=deadline)
    invoker = Invoker()
    with pytest.raises(Unavailable):
        async for _ in Specialists(invoker).ask(agent, request):
            pass
    assert LEFT_S < min(invoker.timeouts_s) < 2 * LEFT_S
