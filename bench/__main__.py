"""`make bench`: starts the system as an operator would, with a model that answers at once, and measures it.

Prints a table and the hops, and writes `bench/results/latest.json` with machine facts and commit. Every figure is of the
full path: HTTP, supervisor, sidecars, specialist, one tool call, gateway twice, state persisted, traces exported.
`--baseline FILE` compares with earlier results: a ratio means something only of runs on one machine in one hour.
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
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import psutil
import typer
from rich.console import Console
from rich.table import Table

from bench import turns
from bench.figures import percentile, spread
from bench.hops import Hops, hops
from switchboard.evaluation import machine
from switchboard.system.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results" / "latest.json"
START_SECONDS_MAX = 120
SEQUENTIAL_TURNS = 200
CONCURRENT_CLIENTS = 16
CONCURRENT_SECONDS = 15
STREAMED_TURNS = 100
KEPT_SECONDS_MAX = 20
TRACED_TURNS = 30
MARKS = (1, 100, 1000)
HOPS_SHOWN_MAX = 25

SPECIALISTS = ("billing", "tech", "product")

GOALS: dict[str, tuple[str, float]] = {
    "first_event_ms_p50": ("<=", 15.0),
    "cached_first_word_ms_p50": ("<=", 12.0),
    "turns_per_second_c16": (">=", 70.0),
    "turn_1000_over_turn_1": ("<=", 1.25),
    "memory_supervisor_mib": ("<=", 200.0),
    "memory_gateway_mib": ("<=", 220.0),
    **{f"memory_{name}_with_sidecar_mib": ("<=", 220.0) for name in SPECIALISTS},
}
RATIO_GOALS: dict[str, tuple[str, float]] = {"turn_overhead_ms_p50": ("<=", 0.85)}
"""Of the figure to the baseline's."""


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


def teach(model_url: str) -> None:
    """One question that the model answers from an article; to every other it calls the first tool, as ever."""
    search = {"name": "search_knowledge", "arguments": {"query": turns.KEPT_MESSAGE}}
    steps = [
        {"when": '"passages"', "text": turns.KEPT_ANSWER},
        {"when": turns.KEPT_MESSAGE, "tool_calls": [search]},
    ]
    script = urllib.request.Request(
        f"{model_url.removesuffix('/v1')}/script",
        data=json.dumps({"steps": steps}).encode(),
        headers={"content-type": "application/json"},
        method="POST",
    )
    urllib.request.urlopen(script, timeout=10).close()


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


async def traced(run: dict[str, Any], trace_ids: list[str]) -> Hops | None:
    """The hops of turns that were just taken, from the spans that really were exported; None where none were."""
    operator = next(key["key"] for key in run["keys"] if "operator" in key["roles"])
    found: list[list[dict[str, Any]]] = []
    async with aiohttp.ClientSession(run["console_url"], headers={"Authorization": f"Bearer {operator}"}) as session:
        for trace_id in trace_ids:
            async with session.get(f"/api/traces/{trace_id}") as response:
                if response.status == 200:
                    found.append((await response.json())["spans"])
    return hops(found) if found else None


def memory(run: dict[str, Any]) -> dict[str, float]:
    """`memory_<process>_mib` is resident memory, `_pss_mib` the same with shared pages divided among their users; MiB.

    Of a specialist also the sum with its sidecar.
    """
    sizes: dict[str, tuple[float, float]] = {}
    for each in run["processes"]:
        found = psutil.Process(each["pid"]).memory_full_info()
        sizes[each["name"]] = found.rss / 2**20, found.pss / 2**20
    for name in SPECIALISTS:
        own, sidecar = sizes[name], sizes[f"{name}.dapr"]
        sizes[f"{name}_with_sidecar"] = own[0] + sidecar[0], own[1] + sidecar[1]
    figures: dict[str, float] = {}
    for name, (rss, pss) in sizes.items():
        figures |= {f"memory_{name}_mib": round(rss, 1), f"memory_{name}_pss_mib": round(pss, 1)}
    return figures


async def measure(run: dict[str, Any]) -> tuple[dict[str, Any], Hops | None]:
    figures: dict[str, Any] = {}
    async with turns.client(run["api_url"]) as session:
        await turns.sequential(session, 20)  # caches and connections are warm in production as well
        figures |= spread("turn_overhead", await turns.sequential(session, SEQUENTIAL_TURNS))
        first_event, first_word = await turns.first_events(session, STREAMED_TURNS)
        figures |= spread("first_event", first_event) | spread("first_word", first_word)
        if await turns.is_kept(session, turns.KEPT_MESSAGE, seconds_max=KEPT_SECONDS_MAX):
            _, cached_word = await turns.first_events(session, STREAMED_TURNS, turns.KEPT_MESSAGE)
            figures |= spread("cached_first_word", cached_word)
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
    return figures | memory(run), found


def report(figures: dict[str, Any], found: Hops | None, facts: dict[str, Any], baseline: dict[str, Any]) -> None:
    console = Console(width=120)
    table = Table("figure", "value", "to reach", title="Switchboard bench")
    if baseline:
        table.add_column(f"of {baseline['machine']['commit']}")
        table.add_column("ratio")
    for name, value in figures.items():
        row = [name, str(value), _goal(value, GOALS.get(name))]
        before = baseline.get(name)
        if before:
            ratio = value / before
            row += [str(before), f"{ratio:.3f} {_goal(ratio, RATIO_GOALS.get(name))}"]
        table.add_row(*row)
    console.print(table)
    if found is not None:
        console.print(_hop_table(found))
    console.print(", ".join(f"{name} {value}" for name, value in facts.items()))


def _goal(value: float, goal: tuple[str, float] | None) -> str:
    if goal is None:
        return ""
    sign, wanted = goal
    met = value <= wanted if sign == "<=" else value >= wanted
    return f"{sign} {wanted:g} {'[green]✓[/]' if met else '[red]✗[/]'}"


def _hop_table(found: Hops) -> Table:
    table = Table("service", "span", "self ms", "calls a turn", title="Where a turn's time goes, hop by hop")
    shown, others = found.hops[:HOPS_SHOWN_MAX], found.hops[HOPS_SHOWN_MAX:]
    for hop in shown:
        table.add_row(hop.service, hop.name, f"{hop.self_ms:.2f}", f"{hop.calls_a_turn:g}")
    if others:
        table.add_row("", f"{len(others)} others", f"{sum(hop.self_ms for hop in others):.2f}", "")
    table.add_section()
    table.add_row("", "the turn: the sum of the above", f"{found.turn_ms:.2f}", "1")
    table.add_row("", "what runs on after the answer", f"{found.after_ms:.2f}", "")
    return table


def main(
    baseline: Annotated[Path | None, typer.Option(help="Earlier results to compare with.")] = None,
    out: Annotated[Path, typer.Option(help="Where the results go.")] = RESULTS,
) -> None:
    """Measures a fresh system with a model that answers at once."""
    facts = machine.facts()
    before: dict[str, Any] = json.loads(baseline.read_text()) if baseline is not None else {}
    state_dir = Path(tempfile.mkdtemp(prefix="switchboard-bench-"))
    try:
        with scripted_model() as model_url, system(state_dir, model_url) as (run, start_seconds):
            teach(model_url)
            figures, found = asyncio.run(measure(run))
    finally:
        shutil.rmtree(state_dir, ignore_errors=True)
    figures = {"startup_s": round(start_seconds, 1), **figures}
    report(figures, found, facts, before)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({**figures, "machine": facts, "hops": asdict(found) if found else None}, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
