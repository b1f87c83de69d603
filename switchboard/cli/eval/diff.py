"""`switchboard eval diff A B`: two runs compared case by case, with significance."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from switchboard.cli.exits import exit_on_error
from switchboard.evaluation.golden.difference import RunDifference, difference
from switchboard.evaluation.golden.results import load_results
from switchboard.system.errors import OperatorError


def diff(
    before: Annotated[Path, typer.Argument(help="Results of the earlier run, or evals/baseline.json.")],
    after: Annotated[Path, typer.Argument(help="Results of the later run.")],
) -> None:
    """Compares two runs: differences with 95 % intervals, exact McNemar or permutation p, corrected for many tests."""
    with exit_on_error():
        compared = difference(load_results(before), load_results(after))
        if not compared.metrics:
            raise OperatorError("The two runs have no case in common.")
        typer.echo(compared.model_dump_json(indent=2))
        Console(stderr=True).print(_table(compared))


def _table(compared: RunDifference) -> Table:
    table = Table("metric", "before", "after", "difference", "95 % interval", "p", "n", box=None)
    for name, change in compared.metrics.items():
        sign = (
            "bold red" if change.significant and change.difference < 0 else "bold green" if change.significant else ""
        )
        table.add_row(
            name,
            f"{change.before:.3f}",
            f"{change.after:.3f}",
            f"{change.difference:+.3f}",
            f"{change.low:+.3f} to {change.high:+.3f}",
            f"{change.p:.3f}",
            str(change.n),
            style=sign,
        )
    return table
