"""`switchboard eval retrieval`: recall, cited spans and speed of retrieval, on anybody's files."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from switchboard.cli.exits import exit_on_error
from switchboard.evaluation.retrieval.dialogues import Split


def retrieval(
    docs: Annotated[Path, typer.Option(help="Documents as JSON Lines: doc_id, title, text.")],
    qa: Annotated[Path, typer.Option(help="Questions as JSON Lines: doc_id, question (newest turn first), answers.")],
    limit: Annotated[int | None, typer.Option(min=1, help="Asks only the first so many questions.")] = None,
    part: Annotated[
        Split, typer.Option(help="Questions of one half of the documents: settings are tuned on dev.")
    ] = Split.ALL,
    scale: Annotated[
        bool, typer.Option("--scale", help="Speed at 1k, 10k and 100k chunks on one core instead.")
    ] = False,
) -> None:
    """Measures retrieval on documents and dialogues. Prints JSON on standard output, progress on standard error."""
    from switchboard.evaluation.retrieval.quality import measure, read
    from switchboard.evaluation.retrieval.speed import measure_speed
    from switchboard.models.minilm import MiniLmEmbedder

    with exit_on_error():
        documents, questions = read(docs, qa, part, limit)
        if scale:
            speeds = measure_speed(documents, questions, MiniLmEmbedder, progress)
            text = json.dumps({"speed": [each.model_dump() for each in speeds]}, indent=2)
        else:
            text = asyncio.run(measure(documents, questions, MiniLmEmbedder(), progress)).model_dump_json(indent=2)
    print(text)


def progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
