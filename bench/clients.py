"""`python -m bench.clients`: the gateway's own clients of Redis and of providers beside the packages that could do it.

Each does the same work in this process against the same server, 16 calls at a time, in turns. Prints JSON: milliseconds of
a call, CPU milliseconds of this process a call, calls a second. ADR 0013 and 0014 quote it.
"""

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import openai
import uvloop
from redis.asyncio import Redis

from bench.figures import percentile
from bench.gateway import started
from services.gateway.calls.answers.reader import EventReader
from services.gateway.providers.openai_compatible import OpenAiCompatible
from services.gateway.providers.port import Call
from services.gateway.redis.pipe import Pipe
from services.gateway.redis.scripts import RESERVE
from switchboard.evaluation import machine
from switchboard.redis.server import RedisServer
from switchboard.system import redis
from switchboard.system.ports import Ports, free_port
from switchboard.system.process import Spawner, stop

CALLS, AT_A_TIME, ROUNDS = 3_000, 16, 3
TOKENS = 32
KEYS = [f"bench:{{gateway}}:{number}" for number in range(11)]
UNLIMITED = [-1, -1, -1]
ARGUMENTS = [60_000, 1_000, 30_000, 500, 0, 10**8, 10**11, 10**5, *UNLIMITED, 0, -1, *UNLIMITED, 0, -1, *UNLIMITED]
ARGUMENTS += [-1, 10**15]
MONEY = ["downgrade", 60_000_000, 30_000_000, 86_400, 2_592_000]
BODY = {"model": "m", "messages": [{"role": "user", "content": "What does the plan cost a month?"}]}


async def measured(call: Callable[[int], Awaitable[object]], calls: int) -> dict[str, float]:
    """Of `calls` calls, `AT_A_TIME` at once."""
    samples: list[float] = []

    async def caller(first: int) -> None:
        for number in range(first, calls, AT_A_TIME):
            began = time.perf_counter()
            await call(number)
            samples.append((time.perf_counter() - began) * 1000)

    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(caller(first) for first in range(AT_A_TIME)))
    cpu_s, took_s = time.process_time() - cpu, time.perf_counter() - began
    return {
        "ms_p50": round(percentile(samples, 0.5), 3),
        "cpu_ms_a_call": round(cpu_s / calls * 1000, 3),
        "calls_per_second": round(calls / took_s),
    }


async def best_of(ways: dict[str, Callable[[int], Awaitable[object]]], calls: int) -> dict[str, dict[str, float]]:
    """Each way's round with the least CPU; they take turns."""
    found: dict[str, dict[str, float]] = {}
    for _ in range(ROUNDS):
        for name, call in ways.items():
            figures = await measured(call, calls)
            if name not in found or figures["cpu_ms_a_call"] < found[name]["cpu_ms_a_call"]:
                found[name] = figures
    return found


async def redis_clients(port: int) -> dict[str, dict[str, float]]:
    """The script that admits a call, each time for another id."""
    server = RedisServer("127.0.0.1", port)
    pipe = Pipe(server, timeout_s=10.0)
    await pipe.open()
    client = Redis(host=server.host, port=server.port, max_connections=64)
    script = client.register_script(RESERVE.text)
    pipelined = Coalesced(client, await client.script_load(RESERVE.text))

    def arguments(number: int) -> list[Any]:
        return [f"{number}", *ARGUMENTS, *MONEY]

    async def admitted(answer: Awaitable[Any]) -> None:
        assert (await answer)[0] == 1

    ways: dict[str, Callable[[int], Awaitable[object]]] = {
        "own pipe": lambda number: admitted(pipe.answer(pipe.send(RESERVE, KEYS, arguments(number)))),
        "redis-py, a connection a call": lambda number: admitted(script(keys=KEYS, args=arguments(number))),
        "redis-py, pipelines of what is due": lambda number: admitted(pipelined.call(arguments(number))),
    }
    try:
        return await best_of(ways, CALLS)
    finally:
        await pipe.close()
        await client.aclose()


class Coalesced:
    """What was asked in one turn of the event loop goes out as one pipeline of redis-py."""

    def __init__(self, client: Redis, digest: Any) -> None:
        self._client = client
        self._digest = digest
        self._due: list[tuple[list[Any], asyncio.Future[Any]]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def call(self, arguments: list[Any]) -> Any:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._due.append((arguments, answer))
        if len(self._due) == 1:
            task = asyncio.create_task(self._flush())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answer

    async def _flush(self) -> None:
        await asyncio.sleep(0)
        due, self._due = self._due, []
        pipeline = self._client.pipeline(transaction=False)
        for arguments, _ in due:
            pipeline.evalsha(self._digest, len(KEYS), *KEYS, *arguments)
        for (_, answer), result in zip(due, await pipeline.execute(), strict=True):
            answer.set_result(result)


@contextlib.asynccontextmanager
async def openai_clients(url: str) -> AsyncIterator[dict[str, openai.AsyncOpenAI]]:
    made = {
        "openai over httpx": openai.AsyncOpenAI(base_url=url, api_key="-", max_retries=0),
        "openai over aiohttp": openai.AsyncOpenAI(
            base_url=url, api_key="-", max_retries=0, http_client=openai.DefaultAioHttpClient()
        ),
    }
    try:
        yield made
    finally:
        for client in made.values():
            await client.close()


async def provider_clients(url: str) -> dict[str, dict[str, dict[str, float]]]:
    """A whole answer, and a stream read to its end."""
    own = OpenAiCompatible(base_url=url, api_key=None)
    await own.open()

    async def own_stream(number: int) -> None:
        events, reader = await own.stream(Call("m", {**BODY, "stream": True}, f"{number}")), EventReader("m")
        while data := await events.read():
            reader.feed(data)
        await events.close()
        assert reader.tokens == TOKENS

    async def official_stream(client: openai.AsyncOpenAI) -> None:
        async for _ in await client.chat.completions.create(
            **BODY, stream=True, stream_options={"include_usage": True}
        ):
            pass

    async with openai_clients(url) as clients:
        whole: dict[str, Callable[[int], Awaitable[object]]] = {"own": lambda n: own.chat(Call("m", BODY, f"{n}"))}
        streamed: dict[str, Callable[[int], Awaitable[object]]] = {"own": own_stream}
        for name, client in clients.items():
            whole[name] = lambda _, client=client: client.chat.completions.create(**BODY)
            streamed[name] = lambda _, client=client: official_stream(client)
        try:
            return {"whole": await best_of(whole, CALLS // 3), "streamed": await best_of(streamed, CALLS // 10)}
        finally:
            await own.close()


async def ready(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(300):
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{url}/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)
    raise SystemExit("The simulated provider did not become ready.")


async def run(redis_port: int, provider_url: str) -> dict[str, Any]:
    await ready(provider_url)
    return {
        "redis": await redis_clients(redis_port),
        "provider": await provider_clients(f"{provider_url}/v1"),
        "machine": machine.facts(),
    }


def main() -> None:
    folder, ports, spawner = Path(tempfile.mkdtemp(prefix="switchboard-bench-")), Ports(), Spawner()
    server = redis.server(port := ports.take(), folder / "redis", folder / "redis.log")
    server.start(spawner)
    profile = json.dumps({"answer_tokens": {"median": TOKENS}})
    provider = [
        sys.executable,
        "-m",
        "tools.simulated_provider",
        "--port",
        str(at := free_port()),
        "--profile",
        profile,
    ]
    try:
        while not redis.answers(port):
            time.sleep(0.05)
        with started("provider", provider, folder):
            print(json.dumps(uvloop.run(run(port, f"http://127.0.0.1:{at}")), indent=2))
    finally:
        stop([server], 5.0)
        spawner.close()
        ports.release()


if __name__ == "__main__":
    main()
