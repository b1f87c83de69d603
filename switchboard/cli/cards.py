"""The cards of the agents in a folder."""

from pathlib import Path

from switchboard.cli.problem import Problem
from switchboard.contracts.cards import AgentCard, load_card


def cards_in(folder: Path) -> dict[str, AgentCard]:
    """The cards of the agents in a folder, by id. Raises `Problem` where there is none, `BadConfiguration`."""
    found = [load_card(path) for path in sorted(folder.glob("*/agent.yaml"))]
    if not found:
        raise Problem(f"There is no agent in {folder}: nothing matches {folder}/*/agent.yaml.")
    return {card.id: card for card in found}
