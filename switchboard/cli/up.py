"""`switchboard up`: starts the whole system on this machine and keeps it running until Ctrl-C."""

import os
import secrets
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from dotenv import dotenv_values
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn

from switchboard.cli.exits import exit_on_error
from switchboard.cli.stop_signal import StopSignal
from switchboard.contracts import demo
from switchboard.system import build, redis
from switchboard.system.errors import OperatorError
from switchboard.system.runfile import RunFile
from switchboard.system.spec import SystemSpec
from switchboard.system.stack import Stack

REPLICAS_MAX = 10


def up(
    replicas: Annotated[list[str] | None, typer.Option(help="More instances behind one app id: billing=3.")] = None,
    free_ports: Annotated[bool, typer.Option("--free-ports", help="Everything on free ports.")] = False,
    instance: Annotated[
        str | None, typer.Option(help="Ends the app ids, so that two systems on one network stay apart.")
    ] = None,
    state_dir: Annotated[Path, typer.Option(help="run.json, logs, data and Redis' file.")] = Path(".switchboard"),
    env_file: Annotated[Path | None, typer.Option(help="Settings as NAME=value lines; .env when it exists.")] = None,
    file: Annotated[Path, typer.Option(help="The list of apps.")] = Path("dapr.yaml"),
) -> None:
    """Starts everything, prints where to chat, and stops everything on Ctrl-C."""
    console = Console(highlight=False)
    with exit_on_error():
        file = file.resolve()
        state_dir = state_dir.resolve()
        os.environ.update(read_env_file(env_file))
        spec = SystemSpec(
            project=file.parent,
            multi_app=Path(file.name),
            state_dir=state_dir,
            instance=instance if instance is not None else default_instance(state_dir, free_ports),
            free_ports=free_ports,
            replicas=parse_replicas(replicas or []),
            redis_host=os.environ.get("SWITCHBOARD_REDIS_HOST", redis.DEFAULT_HOST),
            otlp_url=os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"),
            is_demo=demo.is_demo({demo.VARIABLE: "1", **os.environ}),
        )
        stop = StopSignal()
        screen = Screen(console)
        try:
            runtime = build.ensure(spec.project, console)
            stack = Stack(spec, runtime, screen)
            began = time.monotonic()
            try:
                with screen:
                    run = stack.start()
                stop.quietly()
                print_ready(console, run, time.monotonic() - began)
                stop.event.wait()
                console.print("Stopping…")
            finally:
                stop.quietly()
                stack.stop()
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        console.print("Stopped; no process is left.")


class Screen:
    """Shows what starts and what dies."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description:12}"),
            TextColumn("{task.fields[state]}"),
        )
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> None:
        self._progress.start()

    def __exit__(self, *failure: object) -> None:
        self._progress.stop()

    def starting(self, name: str) -> None:
        self._tasks[name] = self._progress.add_task(name, total=1, state="[dim]starting…[/]")
        if name in ("placement", "scheduler"):
            self._progress.update(self._tasks[name], completed=1, state="[dim]started[/]")

    def ready(self, name: str, seconds: float) -> None:
        if name in self._tasks:
            self._progress.update(self._tasks[name], completed=1, state=f"[green]ready[/] [dim]{seconds:.1f} s[/]")
        if not self._console.is_terminal:
            self._console.print(f"{name} is ready ({seconds:.1f} s)")

    def died(self, name: str, exit_code: int, tail: str, restart_in_s: float | None) -> None:
        then = "it is not started again" if restart_in_s is None else f"starting it again in {restart_in_s:.1f} s"
        self._console.print(f"[bold yellow]![/] {name} stopped (exit code {exit_code}); {then}. Its log ends:")
        self._console.print(tail, style="dim", markup=False)


def read_env_file(path: Path | None) -> dict[str, str]:
    """What the file sets and the environment does not; of `.env` when `path` is None. Raises `OperatorError`."""
    if path is not None and not path.is_file():
        raise OperatorError(f"There is no settings file {path}.")
    values = dotenv_values(path or Path(".env"))
    return {name: value for name, value in values.items() if value is not None and name not in os.environ}


def parse_replicas(arguments: list[str]) -> dict[str, int]:
    """`["billing=3"]` → `{"billing": 3}`. Raises `OperatorError`."""
    counts: dict[str, int] = {}
    for argument in arguments:
        name, _, count = argument.partition("=")
        if not name or not count.isdigit() or not 1 <= int(count) <= REPLICAS_MAX:
            raise OperatorError(
                f"--replicas {argument} is not understood: write it as billing=3 (1 to {REPLICAS_MAX})."
            )
        counts[name] = int(count)
    return counts


def default_instance(state_dir: Path, free_ports: bool) -> str:
    """None on the usual ports; on free ports a name that stays with the state folder, as its queues do."""
    if not free_ports:
        return ""
    path = state_dir / "instance"
    if not path.is_file():
        state_dir.mkdir(parents=True, exist_ok=True)
        path.write_text(secrets.token_hex(3))
    return path.read_text().strip()


def print_ready(console: Console, run: RunFile, seconds: float) -> None:
    key = run.keys[0] if run.keys else None
    console.print(f"\n[bold green]Switchboard is running[/] [dim](ready in {seconds:.1f} s)[/]\n")
    if run.is_demo:
        console.print(
            f"  Demo     [yellow]{demo.VARIABLE}=1[/]: with keys that anybody can read; docs/security.md has the way to your own"
        )
    console.print(f"  Chat     [bold]{run.console_url or run.api_url}[/]")
    console.print(f"  API      {run.api_url}/docs")
    if key is not None:
        console.print(f"  API key  [bold]{key.key}[/]  [dim]({key.tenant}, {key.user})[/]")
    console.print(f'\nTry next, in another terminal:\n  {_command()} chat "Why is my invoice higher than last month?"')
    if key is not None:
        console.print(
            f"  curl {run.api_url}/v1/chat -H 'Authorization: Bearer {key.key}' -H 'Content-Type: application/json' "
            '-d \'{"message": "I was charged twice and my router blinks red"}\'',
            soft_wrap=True,
            markup=False,
        )
    console.print("\nCtrl-C stops everything.")


def _command() -> str:
    """How the person can start us again: by name where that is on PATH, else by the program's path."""
    if shutil.which("switchboard"):
        return "switchboard"
    program = Path(sys.executable).parent / "switchboard"
    return str(program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program)
