"""A failure that a person can fix: one sentence that says what is wrong and what to do."""

from collections.abc import Generator
from contextlib import contextmanager

import typer
from rich.console import Console


class Problem(Exception):
    """Ends a command with exit code 1 and its message; never a stack trace."""


@contextmanager
def told() -> Generator[None]:
    """Prints a `Problem` raised inside as one sentence on standard error and exits 1."""
    try:
        yield
    except Problem as problem:
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"[bold red]✗[/] {problem}")
        raise typer.Exit(1) from None
