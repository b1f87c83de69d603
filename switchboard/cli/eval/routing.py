"""`switchboard eval routing`: how well the router tells messages apart, on your own files."""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from switchboard.cli.cards import cards_in
from switchboard.cli.cores import one_core
from switchboard.cli.problem import Problem, told
from switchboard.contracts.errors import BadConfiguration

WRONG_SHOWN_MAX = 200


def routing(
    test: Annotated[Path, typer.Option(help="CSV with the columns text, category; nothing is learned from it.")],
    train: Annotated[
        Path | None,
        typer.Option(help="CSV with the same columns: each category is a skill. Without it the cards are learned."),
    ] = None,
    out_of_scope: Annotated[
        Path | None, typer.Option(help="CSV with the column text: messages that belong to no category.")
    ] = None,
    cards: Annotated[Path, typer.Option(help="Folder of agents (<agent>/agent.yaml) to learn without --train.")] = Path(
        "services"
    ),
    agents: Annotated[
        int, typer.Option(help="Without --train: measure the time of a decision with so many agents, too.", min=0)
    ] = 0,
    wrong: Annotated[
        bool, typer.Option("--wrong", help="Without --train: list the wrong decisions, on stderr.")
    ] = False,
) -> None:
    """Learns from one file, or from the agents' cards, and is measured on another. Prints JSON."""
    one_core()
    progress = Console(stderr=True, highlight=False, soft_wrap=True)
    with told():
        try:
            if train is None:
                if out_of_scope is not None:
                    raise Problem("--out-of-scope goes with --train; with cards the category out_of_scope says it.")
                result = _decisions(test, cards, agents, progress, wrong=wrong)
            else:
                result = _categories(train, test, out_of_scope, progress)
        except BadConfiguration as error:
            raise Problem(error.message) from error
    json.dump(result, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _categories(train: Path, test: Path, out_of_scope: Path | None, progress: Console) -> dict[str, Any]:
    from switchboard.evaluation.routing import evaluate, labelled_rows

    learned, measured = labelled_rows(train), labelled_rows(test)
    outside = labelled_rows(out_of_scope, categories=False) if out_of_scope else []
    progress.print(f"Learning from {len(learned)} texts, then deciding {len(measured) + len(outside)} …")
    return evaluate(learned, measured, outside)


def _decisions(test: Path, cards: Path, agents: int, progress: Console, *, wrong: bool) -> dict[str, Any]:
    from switchboard.evaluation.routing_decisions import evaluate_decisions, messages_of

    messages, known = messages_of(test), cards_in(cards)
    progress.print(f"Learning the cards of {', '.join(known)}, then deciding {len(messages)} messages …")
    figures, outcomes = asyncio.run(evaluate_decisions(known, messages, agents=agents))
    if wrong:
        _tell_wrong([each for each in outcomes if not each.is_right], progress)
    return figures


def _tell_wrong(outcomes: Sequence[Any], progress: Console) -> None:
    for each in outcomes[:WRONG_SHOWN_MAX]:
        right = " or ".join("+".join(sorted(agents)) for agents in each.message.right)
        got = "+".join(sorted(each.got))
        progress.print(f"{right} ≠ {got}: {escape(each.message.text)}  [dim]{escape(each.route.why)}[/]")
