"""`make bench`: starts the system as an operator would, with a model that answers at once, and measures it.

Prints a table and the hops, and writes `bench/results/latest.json` with machine facts and commit. Every figure is of the
full path: HTTP, supervisor, sidecars, specialist, one tool call, gateway twice, state persisted, traces exported.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from rich.console import Console
from rich.table import Table

from bench import turns
from bench.figures import percentile, spread
from bench.hops import Hop, hops
from switchboard.evaluation import machine
from switchboard.system.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results" / "latest.json"
START_SECONDS_MAX = 120
SEQUENTIAL_TURNS = 200
CONCURRENT_CLIENTS = 16
CONCURRENT_SECONDS = 15
STREAMED_TURNS = 100
TRACED_TURNS = 30
MARKS = (1, 100, 1000)

GOALS = {
    "turn_overhead_ms_p50": ("<=", 40.0),
    "turns_per_second_c16": (">=", 30.0),
    "first_event_ms_p50": ("<=", 15.0),
    "turn_1000_over_turn_1": ("<=", 1.25),
}


@contextlib.contextmanager
def scripted_model() -> Iterator[str]:
    """The model that answers at once, in a process of its own. Gives its base URL."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "switchboard.testing.scripted_model", "--port", str(port)], cwd=ROOT
    )
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def system(state_dir: Path, model_url: str) -> Iterator[tuple[dict[str, Any], float]]:
    """`switchboard up` on free ports. Gives (run.json, seconds until it was ready)."""
    environment = os.environ | {"OPENAI_BASE_URL": model_url, "OPENAI_API_KEY": "bench", "OPENAI_MODEL": "scripted"}
    command = [sys.executable, "-m", "switchboard.cli.main", "up", "--free-ports"]
    command += ["--instance", f"bench{os.getpid()}", "--state-dir", str(state_dir)]
    log = state_dir / "up.log"
    start = time.perf_counter()
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    run_file = state_dir / "run.json"
    try:
        while not run_file.exists():
            if process.poll() is not None or time.perf_counter() - start > START_SECONDS_MAX:
                raise SystemExit(f"The system did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.05)
        yield json.loads(run_file.read_text()), time.perf_counter() - start
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


async def traced(run: dict[str, Any], trace_ids: list[str]) -> list[Hop]:
    """The hops of turns that were just taken, from the spans that really were exported."""
    operator = next(key["key"] for key in run["keys"] if "operator" in key["roles"])
    found: list[list[dict[str, Any]]] = []
    async with aiohttp.ClientSession(run["console_url"], headers={"Authorization": f"Bearer {operator}"}) as session:
        for trace_id in trace_ids:
            async with session.get(f"/api/traces/{trace_id}") as response:
                if response.status == 200:
                    found.append((await response.json())["spans"])
    return hops(found) if found else []


def memory_mib(run: dict[str, Any]) -> dict[str, float]:
    """Resident memory of every process in MiB, by name."""
    return {each["name"]: round(psutil.Process(each["pid"]).memory_info().rss / 2**20, 1) for each in run["processes"]}


async def measure(run: dict[str, Any]) -> tuple[dict[str, Any], list[Hop]]:
    figures: dict[str, Any] = {}
    async with turns.client(run["api_url"]) as session:
        await turns.sequential(session, 20)  # caches and connections are warm in production as well
        figures |= spread("turn_overhead", await turns.sequential(session, SEQUENTIAL_TURNS))
        first_event, first_word = await turns.first_events(session, STREAMED_TURNS)
        figures |= spread("first_event", first_event) | spread("first_word", first_word)
        rate, latencies = await turns.concurrent(session, clients=CONCURRENT_CLIENTS, seconds=CONCURRENT_SECONDS)
        figures["turns_per_second_c16"] = round(rate, 1)
        figures |= spread("turn_c16", latencies)
        sampled = [(await turns.turn(session))[1]["trace_id"] for _ in range(TRACED_TURNS)]
        await asyncio.sleep(1.5)  # the exporters' last batch
        found = await traced(run, sampled)
        by_mark = await turns.long_conversation(session, MARKS)
        for mark in MARKS:
            figures[f"turn_{mark}_ms_p50"] = round(percentile(by_mark[mark], 0.5), 2)
        figures["turn_1000_over_turn_1"] = round(figures["turn_1000_ms_p50"] / figures["turn_1_ms_p50"], 3)
    figures |= {f"memory_{name}_mib": mib for name, mib in memory_mib(run).items()}
    return figures, found


def report(figures: dict[str, Any], found: list[Hop], facts: dict[str, Any]) -> None:
    console = Console(width=110)
    table = Table("figure", "value", "to reach now", title="Switchboard bench")
    for name, value in figures.items():
        sign, goal = GOALS.get(name, ("", None))
        met = (
            ""
            if goal is None
            else ("[green]✓[/]" if (value <= goal if sign == "<=" else value >= goal) else "[red]✗[/]")
        )
        table.add_row(name, str(value), f"{sign} {goal} {met}" if goal is not None else "")
    console.print(table)
    where = Table("service", "span", "self ms p50", "calls a turn", title="Where a turn's time goes, hop by hop")
    for hop in found[:25]:
        where.add_row(hop.service, hop.name, f"{hop.self_ms_p50:.2f}", f"{hop.calls_a_turn:g}")
    console.print(where)
    console.print(", ".join(f"{name} {value}" for name, value in facts.items()))


def main() -> None:
    facts = machine.facts()
    state_dir = Path(tempfile.mkdtemp(prefix="switchboard-bench-"))
    try:
        with scripted_model() as model_url, system(state_dir, model_url) as (run, start_seconds):
            figures, found = asyncio.run(measure(run))
    finally:
        shutil.rmtree(state_dir, ignore_errors=True)
    figures = {"startup_s": round(start_seconds, 1), **figures}
    report(figures, found, facts)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    as_rows = [
        {"service": h.service, "span": h.name, "self_ms_p50": h.self_ms_p50, "calls_a_turn": h.calls_a_turn}
        for h in found
    ]
    RESULTS.write_text(json.dumps({**figures, "machine": facts, "hops": as_rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
