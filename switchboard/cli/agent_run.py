"""`switchboard agent run FOLDER`: one more agent beside the running system, until Ctrl-C."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from switchboard.cli.exits import exit_on_error
from switchboard.cli.stop_signal import StopSignal
from switchboard.system import build, multiapp, runfile
from switchboard.system.agent import AddedAgent, agent_app, agent_id
from switchboard.system.app import Surroundings
from switchboard.system.credentials import Credentials
from switchboard.system.errors import OperatorError


def run(
    folder: Annotated[Path, typer.Argument(help="The agent's folder: agent.yaml, app.py, tools.py.")],
    state_dir: Annotated[Path, typer.Option(help="Where the running system keeps its run.json.")] = Path(
        ".switchboard"
    ),
    file: Annotated[Path, typer.Option(help="The system's list of apps.")] = Path("dapr.yaml"),
) -> None:
    """Starts the agent with its own sidecar on free ports; the running supervisor finds it by itself."""
    console = Console(highlight=False)
    with exit_on_error():
        system = runfile.load(state_dir)
        name = agent_id(folder)
        if any(process.name == name for process in system.processes):
            raise OperatorError(
                f"An agent {name!r} is already running in this system: give this one another id in agent.yaml."
            )
        file = file.resolve()
        common = multiapp.read(file).common
        around = Surroundings(
            project=file.parent,
            state_dir=Path(system.state_dir),
            runtime=build.ensure(file.parent, console),
            resources=Path(system.state_dir) / "components",
            config=file.parent / common.config_file_path if common.config_file_path else None,
            redis_host=system.redis_host,
            otlp_url=system.otlp_url,
            api_url=system.api_url,
            console_url=system.console_url,
            instance=system.instance,
            placement_host=system.placement_host,
            scheduler_host=system.scheduler_host,
            credentials=Credentials(system.redis_password, system.otlp_token, system.gateway_key),
            is_demo=system.is_demo,
        )
        stop = StopSignal()
        added = AddedAgent(agent_app(folder), name, common, around)
        try:
            try:
                with console.status(f"Starting {name}…"):
                    added.start()
                stop.quietly()
                console.print(f"[green]✓[/] {name} is running at {added.url}; Ctrl-C stops it.")
                while not stop.event.wait(0.5):
                    added.check()
            finally:
                stop.quietly()
                added.stop()
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        console.print(f"{name} is stopped.")
