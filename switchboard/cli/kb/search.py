"""`switchboard kb search`: what an agent would find for a question, and why."""

import asyncio
from datetime import date
from typing import Annotated

import typer
from rich.console import Console

from switchboard.cli.exits import exit_on_error
from switchboard.cli.kb.place import AgentOption, IndexOption, JsonOption, index_path, printed
from switchboard.system.errors import OperatorError

TEXT_CHARACTERS_MAX = 300


def search(
    question: Annotated[str, typer.Argument(help="What a user asks.")],
    agent: AgentOption,
    index: IndexOption = None,
    tenant: Annotated[str | None, typer.Option(help="Only what this tenant may read.")] = None,
    language: Annotated[str | None, typer.Option(help="Only documents of this language, such as en.")] = None,
    earlier: Annotated[list[str] | None, typer.Option(help="An earlier message of the user, newest first.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=30)] = 5,
    as_json: JsonOption = False,
) -> None:
    """Shows the best passages with their scores. Those marked ✓ are near enough to answer from."""
    from switchboard.knowledge.base import KnowledgeBase, near, uri_of
    from switchboard.knowledge.indexes.port import Filter
    from switchboard.knowledge.indexes.sqlite import SqliteIndex
    from switchboard.knowledge.retrieval.query import Query
    from switchboard.models.minilm import MiniLmEmbedder

    with exit_on_error():
        path = index_path(agent, index)
        if not path.is_file():
            raise OperatorError(
                f"There is no index {path}: make it with `switchboard kb ingest FOLDER --agent {agent}`."
            )
        base = KnowledgeBase(agent, SqliteIndex(path), MiniLmEmbedder())

        async def ranked():
            await base.embed()
            return await base.rank(Query.of(question, earlier or ()), Filter(agent, tenant, language, date.today()))

        try:
            found = asyncio.run(ranked())
        finally:
            base.close()
    enough = {each.stored.key for each in near(found)}
    rows = [
        {
            "uri": uri_of(each.stored),
            "title": each.stored.chunk.label,
            "cosine": round(each.cosine, 4) if each.cosine is not None else None,
            "coverage": round(each.coverage, 4),
            "near": each.stored.key in enough,
            "text": each.stored.chunk.text,
        }
        for each in found[:limit]
    ]
    if as_json:
        printed({"question": question, "passages": rows})
        return
    console = Console(highlight=False, soft_wrap=True, markup=False)
    for row in rows:
        cosine = f"{row['cosine']:.2f}" if row["cosine"] is not None else "–"
        console.print(f"{'✓' if row['near'] else '·'} {row['title']}   meaning {cosine}, words {row['coverage']:.2f}")
        console.print(f"  {row['uri']}")
        console.print(f"  {' '.join(str(row['text']).split())[:TEXT_CHARACTERS_MAX]}\n")
    if not enough:
        console.print("Nothing is near enough: the agent would say that it does not know.")
