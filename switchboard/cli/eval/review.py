"""`switchboard eval review`: the answers that users called bad, with their transcripts."""

from pathlib import Path
from typing import Annotated

import typer

from switchboard.cli.eval.api import get, where
from switchboard.cli.exits import exit_on_error


def review(
    key: Annotated[str | None, typer.Option(help="An operator's API key; that of run.json by default.")] = None,
    api_url: Annotated[str | None, typer.Option(help="Another system's API instead of the one running here.")] = None,
    state_dir: Annotated[Path, typer.Option(help="Where run.json is.")] = Path(".switchboard"),
) -> None:
    """Lists the newest turns of the operator's tenant that were rated down, as JSON, without personal data.

    Make a golden case of one with `switchboard eval add-from`.
    """
    with exit_on_error():
        url, keys = where(api_url, key, state_dir, role="operator")
        typer.echo(get(url, keys[0], "/v1/feedback/review").decode())
