"""`switchboard eval ab NAME`: an experiment's variants against its control, from the scores and thumbs of real turns."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table

from switchboard.cli.eval.api import get, where
from switchboard.cli.problem import Problem, told
from switchboard.evaluation.comparison import Comparison, comparison
from switchboard.experiments.tally import ExperimentScores


def ab(
    name: Annotated[str, typer.Argument(help="The experiment.")],
    key: Annotated[str | None, typer.Option(help="An operator's API key; those of run.json, one a tenant.")] = None,
    api_url: Annotated[str | None, typer.Option(help="Another system's API instead of the one running here.")] = None,
    state_dir: Annotated[Path, typer.Option(help="Where run.json is.")] = Path(".switchboard"),
) -> None:
    """Reports the difference of each variant with 95 % intervals; by tenant where there are enough of them."""
    with told():
        url, keys = where(api_url, key, state_dir, role="operator")
        scores = _scores(url, keys, name)
        if not scores.tallies:
            raise Problem(f"The experiment {name} has no scores yet: no turn of its tenants was sampled or rated.")
        compared = comparison(scores)
        typer.echo(compared.model_dump_json(indent=2))
        _tell(Console(stderr=True), compared)


def _scores(url: str, keys: Sequence[str], name: str) -> ExperimentScores:
    """The scores of every tenant that one of the operators' `keys` is of: an operator sees their own tenant's alone."""
    path = f"/v1/experiments/{quote(name, safe='')}"
    read = [ExperimentScores.model_validate_json(get(url, key, path)) for key in keys]
    tallies = {(tally.tenant, tally.variant): tally for scores in read for tally in scores.tallies}
    return read[0].model_copy(update={"tallies": list(tallies.values())})


def _tell(console: Console, compared: Comparison) -> None:
    for each in compared.variants:
        title = f"{each.name} ({each.tenants} tenants) against {compared.control} ({compared.control_tenants} tenants)"
        table = Table("metric", compared.control, each.name, "difference", "95 % interval", "n", box=None, title=title)
        for metric, effect in each.metrics.items():
            table.add_row(
                metric,
                f"{effect.control:.3f}",
                f"{effect.variant:.3f}",
                f"{effect.difference:+.3f}",
                f"{effect.low:+.3f} to {effect.high:+.3f}",
                f"{effect.n_control}/{effect.n_variant}",
                style="bold" if effect.significant else "",
            )
        console.print(table)
        if not each.metrics:
            console.print(f"{each.name}: nothing to compare yet, one side has no scores.", highlight=False)
    if compared.note:
        console.print(compared.note, highlight=False)
