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

from switchboard.cli.exits import exit_on_error
from switchboard.contracts.cards import load_cards
from switchboard.system.errors import OperatorError

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
    progress = Console(stderr=True, highlight=False, soft_wrap=True)
    with exit_on_error():
        if train is None:
            if out_of_scope is not None:
                raise OperatorError("--out-of-scope goes with --train; with cards the category out_of_scope says it.")
            result = _decisions(test, cards, agents, progress, wrong=wrong)
        else:
            result = _categories(train, test, out_of_scope, progress)
    json.dump(result, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _categories(train: Path, test: Path, out_of_scope: Path | None, progress: Console) -> dict[str, Any]:
    from switchboard.evaluation.routing.classifier import evaluate, labelled_rows

    learned, measured = labelled_rows(train), labelled_rows(test)
    outside = labelled_rows(out_of_scope, categories=False) if out_of_scope else []
    progress.print(f"Learning from {len(learned)} texts, then deciding {len(measured) + len(outside)} …")
    return evaluate(learned, measured, outside)


def _decisions(test: Path, cards: Path, agents: int, progress: Console, *, wrong: bool) -> dict[str, Any]:
    from switchboard.agent.topics import topics_of
    from switchboard.evaluation.routing.decisions import evaluate_decisions, messages_of

    messages, known = messages_of(test), load_cards(cards)
    topics = {agent_id: topics_of(card, cards / agent_id) for agent_id, card in known.items()}
    progress.print(f"Learning the cards and topics of {', '.join(known)}, then deciding {len(messages)} messages …")
    figures, outcomes = asyncio.run(evaluate_decisions(known, messages, topics=topics, agents=agents))
    if wrong:
        _tell_wrong([each for each in outcomes if not each.is_right], progress)
    return figures


def _tell_wrong(outcomes: Sequence[Any], progress: Console) -> None:
    for each in outcomes[:WRONG_SHOWN_MAX]:
        right = " or ".join("+".join(sorted(agents)) for agents in each.message.right)
        got = "+".join(sorted(each.got))
        progress.print(f"{right} ≠ {got}: {escape(each.message.text)}  [dim]{escape(each.route.why)}[/]")
