"""What the bench measures of turns, over HTTP, as a client sees it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp

MESSAGE = "How much do I owe?"
KEPT_MESSAGE = "Can roaming usage be refunded?"
"""Answered from an article, so that the answer is kept."""
KEPT_ANSWER = "Usage that took place, such as calls, roaming days and data, cannot be refunded [1]."
KEYS = ("demo-aurora-ada", "demo-aurora-ben", "demo-borealis-cleo")


@asynccontextmanager
async def client(api_url: str) -> AsyncIterator[aiohttp.ClientSession]:
    """One pooled client: what it costs itself is part of every figure, so it is the cheapest at hand."""
    async with aiohttp.ClientSession(api_url, timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield session


async def turn(
    session: aiohttp.ClientSession, *, key: str = KEYS[0], conversation_id: str | None = None
) -> tuple[float, dict]:
    """One whole turn as JSON. Returns (milliseconds, answer). Raises `RuntimeError` when it is not answered."""
    body = {"message": MESSAGE} | ({"conversation_id": conversation_id} if conversation_id else {})
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    start = time.perf_counter()
    async with session.post("/v1/chat", json=body, headers=headers) as response:
        answer = json.loads(await response.read())
        elapsed_ms = (time.perf_counter() - start) * 1000
        if response.status != 200:
            raise RuntimeError(f"a turn failed with {response.status}: {answer}")
    return elapsed_ms, answer


async def sequential(session: aiohttp.ClientSession, count: int) -> list[float]:
    """Latency in ms of `count` turns, one after the other, each its own conversation."""
    return [(await turn(session))[0] for _ in range(count)]


async def concurrent(session: aiohttp.ClientSession, *, clients: int, seconds: float) -> tuple[float, list[float]]:
    """Turns a second of `clients` that ask without a pause, and their latencies in ms."""
    latencies: list[float] = []
    start = time.perf_counter()

    async def ask(number: int) -> None:
        while time.perf_counter() - start < seconds:
            latencies.append((await turn(session, key=KEYS[number % len(KEYS)]))[0])

    await asyncio.gather(*(ask(number) for number in range(clients)))
    return len(latencies) / (time.perf_counter() - start), latencies


async def first_events(
    session: aiohttp.ClientSession, count: int, message: str = MESSAGE
) -> tuple[list[float], list[float]]:
    """(ms to the first event, ms to the first word) of `count` streamed turns."""
    first_event_ms, first_word_ms = [], []
    headers = {"Authorization": f"Bearer {KEYS[0]}", "Accept": "text/event-stream"}
    for _ in range(count):
        start = time.perf_counter()
        seen_event = seen_word = False
        async with session.post("/v1/chat", json={"message": message}, headers=headers) as response:
            async for line in response.content:
                if line.startswith(b"event:") and not seen_event:
                    seen_event = True
                    first_event_ms.append((time.perf_counter() - start) * 1000)
                if b"message.delta" in line and not seen_word:
                    seen_word = True
                    first_word_ms.append((time.perf_counter() - start) * 1000)
    return first_event_ms, first_word_ms


async def is_kept(session: aiohttp.ClientSession, message: str, *, seconds_max: float) -> bool:
    """Asks until the answer comes from the cache, or for so long."""
    headers = {"Authorization": f"Bearer {KEYS[0]}", "Accept": "application/json"}
    start = time.perf_counter()
    while time.perf_counter() - start < seconds_max:
        async with session.post("/v1/chat", json={"message": message}, headers=headers) as response:
            if response.status == 200 and json.loads(await response.read())["cache_hit"]:
                return True
        await asyncio.sleep(0.05)
    return False


async def long_conversation(
    session: aiohttp.ClientSession, marks: Sequence[int], *, window: int = 15
) -> dict[int, list[float]]:
    """Latencies in ms of the `window` turns that end at each mark of one conversation.

    First turns are measured in fresh conversations, between the last mark's: what else the machine does meanwhile
    slows both alike.
    """
    samples: dict[int, list[float]] = {mark: [] for mark in marks}
    _, answer = await turn(session)  # creates the conversation; its first turns are measured in fresh ones below
    conversation_id = answer["conversation_id"]
    for n in range(2, max(marks) + 1):
        elapsed_ms, _ = await turn(session, conversation_id=conversation_id)
        for mark in marks:
            if mark - window < n <= mark:
                samples[mark].append(elapsed_ms)
        if 1 in samples and max(marks) - window < n:
            samples[1].append((await turn(session))[0])
    return samples
