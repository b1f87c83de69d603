"""Our card as an A2A agent card (https://a2a-protocol.org, 0.3), served at `/.well-known/agent-card.json`."""

from typing import Any

from switchboard.contracts.cards import AgentCard

A2A_VERSION = "0.3.0"
TEXT = ["text/plain"]


def a2a_card(card: AgentCard, url: str) -> dict[str, Any]:
    """The card of an agent that answers at `url`. What the model is told (instructions, limits) is not in it."""
    return {
        "protocolVersion": A2A_VERSION,
        "name": card.name,
        "description": card.description.strip(),
        "version": card.version,
        "url": url,
        "provider": {"organization": card.owner, "url": url},
        "capabilities": {"streaming": True, "pushNotifications": False},
        "defaultInputModes": TEXT,
        "defaultOutputModes": TEXT,
        "skills": [
            {
                "id": skill.id,
                "name": skill.id.replace("-", " ").capitalize(),
                "description": skill.description,
                "tags": [card.id],
                "examples": skill.examples,
            }
            for skill in card.skills
        ],
    }
