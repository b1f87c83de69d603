"""`switchboard eval routing`: how well the router tells messages apart, on your own files."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from switchboard.cli.problem import Problem, told
from switchboard.contracts.errors import BadConfiguration


def routing(
    train: Annotated[Path, typer.Option(help="CSV with the columns text, category: each category is a skill.")],
    test: Annotated[Path, typer.Option(help="CSV with the same columns; nothing is learned from it.")],
    out_of_scope: Annotated[
        Path | None, typer.Option(help="CSV with the column text: messages that belong to no category.")
    ] = None,
) -> None:
    """Learns from one file and is measured on the other. Prints JSON."""
    from switchboard.routing.evaluation import evaluate, labelled_rows

    progress = Console(stderr=True, highlight=False)
    with told():
        try:
            learned = labelled_rows(train)
            measured = labelled_rows(test)
            outside = labelled_rows(out_of_scope, categories=False) if out_of_scope else []
            progress.print(f"Learning from {len(learned)} texts, then deciding {len(measured) + len(outside)} …")
            result = evaluate(learned, measured, outside)
        except BadConfiguration as error:
            raise Problem(error.message) from error
    json.dump(result, sys.stdout, indent=2)
    sys.stdout.write("\n")
