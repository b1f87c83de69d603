"""`switchboard eval ab NAME`: an experiment's variants against its control, from the scores and thumbs of real turns."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table

from switchboard.cli.eval.api import get, where
from switchboard.cli.exits import exit_on_error
from switchboard.evaluation.ab_test import AbResult, ab_result
from switchboard.experiments.tally import ExperimentScores
from switchboard.system.errors import OperatorError


def ab(
    name: Annotated[str, typer.Argument(help="The experiment.")],
    key: Annotated[
        list[str] | None, typer.Option(help="API key of a tenant's operator, once a tenant; all those of run.json.")
    ] = None,
    api_url: Annotated[str | None, typer.Option(help="Another system's API instead of the one running here.")] = None,
    state_dir: Annotated[Path, typer.Option(help="Where run.json is.")] = Path(".switchboard"),
) -> None:
    """Reports the difference of each variant with 95 % intervals; by tenant where there are enough of them."""
    with exit_on_error():
        url, keys = where(api_url, key[0] if key else None, state_dir, role="operator")
        path = f"/v1/experiments/{quote(name, safe='')}"
        scores = _together([ExperimentScores.model_validate_json(get(url, each, path)) for each in key or keys])
        if not scores.tallies:
            raise OperatorError(
                f"The experiment {name} has no scores yet: no turn of its tenants was sampled or rated."
            )
        compared = ab_result(scores)
        typer.echo(compared.model_dump_json(indent=2))
        _tell(Console(stderr=True), compared)


def _together(scores: Sequence[ExperimentScores]) -> ExperimentScores:
    """What several tenants' operators see, each tenant's tallies once."""
    tallies = {(tally.variant, tally.tenant): tally for each in scores for tally in each.tallies}
    return scores[0].model_copy(update={"tallies": list(tallies.values())})


def _tell(console: Console, compared: AbResult) -> None:
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
