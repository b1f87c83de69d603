"""`switchboard kb ingest`: brings an agent's index in line with a folder, in one swap."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from switchboard.cli.exits import exit_on_error
from switchboard.cli.kb.place import AgentOption, IndexOption, JsonOption, index_path, printed


def ingest(
    folder: Annotated[Path, typer.Argument(help="Folder of Markdown, HTML, PDF and DOCX files.")],
    agent: AgentOption,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Reads a folder and swaps the agent's knowledge to it. Files that cannot be read are listed and left out.

    A running agent that has this index finds the new version with its next search. When it starts again it takes what
    is in its own folder.
    """
    from switchboard.knowledge.articles.folder import read_folder
    from switchboard.knowledge.base import KnowledgeBase
    from switchboard.knowledge.indexes.sqlite import SqliteIndex
    from switchboard.models.minilm import MiniLmEmbedder

    with exit_on_error():
        reading = read_folder(folder)
        base = KnowledgeBase(agent, SqliteIndex(index_path(agent, index)), MiniLmEmbedder())
        try:
            changes = asyncio.run(base.ingest(reading.articles))
        finally:
            base.close()
    bad = [{"path": str(each.path), "reason": each.reason} for each in reading.bad]
    if as_json:
        printed({"kb_version": changes.version, **asdict(changes), "bad": bad})
        return
    console = Console(highlight=False, soft_wrap=True)
    for sign, colour, ids in (
        ("+", "green", changes.added),
        ("~", "yellow", changes.changed),
        ("-", "red", changes.removed),
    ):
        for each in ids:
            console.print(f"[{colour}]{sign}[/] {each}")
    for each in reading.bad:
        console.print(f"[bold red]✗[/] {each.reason}")
    console.print(
        f"kb_version {changes.version}: {len(changes.added)} added, {len(changes.changed)} changed, "
        f"{len(changes.removed)} removed, {changes.unchanged} unchanged, {len(bad)} not readable."
    )
