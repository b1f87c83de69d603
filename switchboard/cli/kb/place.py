"""Where an agent's knowledge index lies on this machine, and how commands open it."""

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from switchboard.cli.exits import exit_on_error
from switchboard.contracts.errors import SwitchboardError
from switchboard.system.errors import OperatorError

INDEXES = Path(".switchboard/data/knowledge")

AgentOption = Annotated[str, typer.Option("--agent", help="Id of the agent whose knowledge it is.")]
IndexOption = Annotated[
    Path | None, typer.Option("--index", help="The index file; by default the agent's own below .switchboard/data.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Prints JSON.")]


def index_path(agent: str, index: Path | None) -> Path:
    return index if index is not None else INDEXES / f"{agent}.sqlite"


@contextmanager
def sentences() -> Generator[None]:
    """What goes wrong ends the command with one sentence."""
    with exit_on_error():
        try:
            yield
        except SwitchboardError as error:
            raise OperatorError(error.message) from error


def printed(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
