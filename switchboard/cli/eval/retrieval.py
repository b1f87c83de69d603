"""`switchboard eval retrieval`: recall, cited spans and speed of retrieval, on anybody's files."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from switchboard.cli.problem import Problem, told
from switchboard.contracts.errors import BadConfiguration


def retrieval(
    docs: Annotated[Path, typer.Option(help="Documents as JSON Lines: doc_id, title, text.")],
    qa: Annotated[Path, typer.Option(help="Questions as JSON Lines: doc_id, question (newest turn first), answers.")],
    limit: Annotated[int | None, typer.Option(min=1, help="Asks only the first so many questions.")] = None,
) -> None:
    """Measures retrieval on documents and dialogues. Prints JSON on standard output, progress on standard error."""
    from switchboard.evaluation.retrieval import run
    from switchboard.models.minilm import MiniLmEmbedder

    with told():
        try:
            result = run(docs, qa, MiniLmEmbedder(), progress, limit)
        except BadConfiguration as error:
            raise Problem(error.message) from error
    print(result.model_dump_json(indent=2))


def progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
