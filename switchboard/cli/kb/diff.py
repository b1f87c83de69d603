"""`switchboard kb diff`: what changed between two versions of an agent's knowledge, or would change with a folder."""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from switchboard.cli.exits import exit_on_error
from switchboard.cli.kb.place import AgentOption, IndexOption, JsonOption, index_path, printed
from switchboard.system.errors import OperatorError

LINES_MAX = 400


def diff(
    agent: AgentOption,
    folder: Annotated[Path | None, typer.Argument(help="Compares the newer side with this folder.")] = None,
    index: IndexOption = None,
    older: Annotated[str | None, typer.Option("--from", help="A kb_version; by default the one before.")] = None,
    newer: Annotated[str | None, typer.Option("--to", help="A kb_version; by default the live one.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Lists the documents that were added, changed and removed, with the changed lines.

    With a folder: what `kb ingest` would change. Without: the live version against the one before, or `--from`, `--to`.
    """
    from switchboard.knowledge.articles.folder import read_folder
    from switchboard.knowledge.indexes.sqlite import SqliteIndex
    from switchboard.knowledge.indexes.version_diff import VersionDiff, diff_folder, diff_versions

    with exit_on_error():
        path = index_path(agent, index)
        if not path.is_file():
            raise OperatorError(
                f"There is no index {path}: make it with `switchboard kb ingest FOLDER --agent {agent}`."
            )
        store = SqliteIndex(path)
        try:
            difference: VersionDiff
            if folder is not None:
                difference = diff_folder(store, agent, read_folder(folder).articles)
            else:
                difference = diff_versions(store, agent, older, newer)
        finally:
            store.close()
    if as_json:
        changed = {each: {"from": a, "to": b} for each, (a, b) in difference.changed.items()}
        printed(
            {
                "from": difference.older,
                "to": difference.newer,
                "added": list(difference.added),
                "removed": list(difference.removed),
                "changed": changed,
            }
        )
        return
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print(f"{difference.older or 'nothing'} → {difference.newer}")
    for each in difference.added:
        console.print(f"+ {each}", style="green")
    for each in difference.removed:
        console.print(f"- {each}", style="red")
    for each, (before, after) in difference.changed.items():
        console.print(f"~ {each}", style="yellow")
        for line in _lines(before, after):
            console.print(f"    {line}", style="green" if line[:1] == "+" else "red" if line[:1] == "-" else None)
    if not (difference.added or difference.removed or difference.changed):
        console.print("Nothing differs.")


def _lines(before: str | None, after: str | None) -> Iterator[str]:
    if before is None or after is None:
        yield "(the text of the older revision is not kept any more)"
        return
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
    for number, line in enumerate(lines):
        if number >= LINES_MAX:
            yield "…"
            return
        if number > 1:
            yield line
