"""What the supervisor asks of the sidecar when it invokes a specialist, and what it makes of a stream that breaks."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.supervisor.turns import dispatch
from services.supervisor.turns.dispatch import Specialists
from switchboard.contracts import sse
from switchboard.contracts.cards import AgentCard, AgentRegistration, Skill
from switchboard.contracts.errors import Unavailable
from switchboard.contracts.events import AgentStarted, MessageDelta, ToolCalled, TurnCompleted, TurnEvent
from switchboard.contracts.turns import Principal, TurnRequest

LEFT_S = 5.0
STARTED = AgentStarted(agent="tech", name="Tech")
CALLED = ToolCalled(agent="tech", call_id="look-1-0", name="look")
WORDS = MessageDelta(agent="tech", text="It works.")
DONE = TurnCompleted(text="It works.", agents=["tech"])
SILENCE = None
CARD = AgentCard(
    id="tech", name="Tech", version="1", description="d", owner="o", model="fast", instructions="i",
    skills=[Skill(id="s", description="d", examples=["e"])],
)  # fmt: skip
AGENT = AgentRegistration(card=CARD, app_id="tech", instance="i")


class Invoker:
    """Answers with one script after the other, each broken off at its end; without any it is away."""

    def __init__(self, *scripts: Sequence[TurnEvent | None] | Exception) -> None:
        self.timeouts_s: list[float] = []
        self._scripts = list(scripts)

    @asynccontextmanager
    async def open(self, *_: Any, timeout_s: float, **__: Any) -> AsyncIterator["Answer"]:
        self.timeouts_s.append(timeout_s)
        script = self._scripts.pop(0) if self._scripts else Unavailable()
        if isinstance(script, Exception):
            raise script
        yield Answer(script)


class Answer:
    status = 200

    def __init__(self, script: Sequence[TurnEvent | None]) -> None:
        self._script = script

    async def chunks(self) -> AsyncIterator[bytes]:
        for event in self._script:
            if event is SILENCE:
                await asyncio.Event().wait()
            else:
                yield sse.encode(event.model_dump_json().encode(), event=event.type.encode())


def request() -> TurnRequest:
    deadline = datetime.now(UTC) + timedelta(seconds=LEFT_S)
    principal = Principal(tenant="t", user="u")
    return TurnRequest(turn_id="c.1", conversation_id="c", principal=principal, message="m", deadline=deadline)


async def asked(invoker: Invoker) -> list[TurnEvent]:
    return [event.event async for event in Specialists(invoker).ask(AGENT, request())]


async def test_an_invocation_outlasts_its_turn_so_that_the_turns_clock_says_who_was_too_slow() -> None:
    invoker = Invoker()
    with pytest.raises(Unavailable):
        await asked(invoker)
    assert LEFT_S < min(invoker.timeouts_s) < 2 * LEFT_S


async def test_a_stream_that_breaks_before_its_first_word_is_asked_for_again_and_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dispatch, "AGAIN_PAUSE_S", 0.0)
    died = [STARTED, CALLED]
    invoker = Invoker(died, Unavailable(), died, [STARTED, CALLED, WORDS, DONE])
    assert await asked(invoker) == [STARTED, CALLED, WORDS, DONE]


async def test_a_stream_that_breaks_after_words_is_told_at_once() -> None:
    invoker = Invoker([STARTED, WORDS], [STARTED, WORDS, DONE])
    with pytest.raises(Unavailable):
        await asked(invoker)
    assert len(invoker.timeouts_s) == 1


async def test_a_specialist_that_nobody_finds_is_asked_for_once() -> None:
    """The invoker has tried for two seconds by then."""
    invoker = Invoker(Unavailable(), [STARTED, WORDS, DONE])
    with pytest.raises(Unavailable):
        await asked(invoker)
    assert len(invoker.timeouts_s) == 1


async def test_a_specialist_that_does_not_come_back_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "AGAIN_PAUSE_S", 0.0)
    monkeypatch.setattr(dispatch, "AGAIN_S_MAX", 0.02)
    with pytest.raises(Unavailable):
        await asked(Invoker([STARTED]))


async def test_a_specialist_that_is_silent_for_long_counts_as_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "SILENCE_S_MAX", 0.02)
    assert await asked(Invoker([STARTED, SILENCE], [STARTED, WORDS, DONE])) == [STARTED, WORDS, DONE]
    with pytest.raises(Unavailable):
        await asked(Invoker([STARTED, WORDS, SILENCE]))
