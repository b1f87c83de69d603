"""The cards of the agents in a folder."""

from pathlib import Path

from switchboard.contracts.cards import AgentCard, load_card
from switchboard.system.errors import OperatorError


def cards_in(folder: Path) -> dict[str, AgentCard]:
    """The cards of the agents in a folder, by id. Raises `OperatorError` where there is none, `BadConfiguration`."""
    found = [load_card(path) for path in sorted(folder.glob("*/agent.yaml"))]
    if not found:
        raise OperatorError(f"There is no agent in {folder}: nothing matches {folder}/*/agent.yaml.")
    return {card.id: card for card in found}
