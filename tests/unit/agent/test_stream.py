"""A specialist's stream as it goes over the wire: it says that its process lives, and ends with its reader."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from switchboard.agent import app
from switchboard.contracts import sse
from switchboard.contracts.events import AgentStarted, MessageDelta, TurnEvent

STARTED, WORD = AgentStarted(agent="kiosk"), MessageDelta(agent="kiosk", text="Three.")


async def test_a_silent_turn_says_that_its_process_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "PING_S", 0.01)
    thought = asyncio.Event()

    async def batches() -> AsyncGenerator[list[TurnEvent]]:
        yield [STARTED]
        await thought.wait()
        yield [WORD]

    sent: list[bytes] = []
    async for chunk in app._frames("c.1", batches()):
        sent.append(chunk)
        if chunk == sse.PING:
            thought.set()
    words = [chunk for chunk in sent if chunk != sse.PING]
    assert len(words) < len(sent)
    assert words == [app.frame(STARTED, "c.1", 1), app.frame(WORD, "c.1", 2)]


async def test_a_reader_that_goes_ends_the_turn_that_thinks() -> None:
    ended = asyncio.Event()

    async def batches() -> AsyncGenerator[list[TurnEvent]]:
        yield [STARTED]
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    frames = app._frames("c.1", batches())
    await anext(frames)
    reading = asyncio.create_task(anext(frames))
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    async with asyncio.timeout(10):
        await ended.wait()
