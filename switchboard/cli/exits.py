"""How a command ends that fails for a reason its operator can set right."""

from collections.abc import Generator
from contextlib import contextmanager

import typer
from rich.console import Console

from switchboard.contracts.errors import SwitchboardError
from switchboard.system.errors import OperatorError


@contextmanager
def exit_on_error() -> Generator[None]:
    """Prints what is raised inside for a person to read as one sentence on standard error and exits 1, without a stack trace."""
    try:
        yield
    except (OperatorError, SwitchboardError) as error:
        sentence = error.message if isinstance(error, SwitchboardError) else str(error)
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"[bold red]✗[/] {sentence}")
        raise typer.Exit(1) from None
