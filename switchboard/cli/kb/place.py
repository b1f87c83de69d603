"""Where an agent's knowledge index lies on this machine, and how commands open it."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

INDEXES = Path(".switchboard/data/knowledge")

AgentOption = Annotated[str, typer.Option("--agent", help="Id of the agent whose knowledge it is.")]
IndexOption = Annotated[
    Path | None, typer.Option("--index", help="The index file; by default the agent's own below .switchboard/data.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Prints JSON.")]


def index_path(agent: str, index: Path | None) -> Path:
    return index if index is not None else INDEXES / f"{agent}.sqlite"


def printed(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
