"""Every topic there is. What is published and what is subscribed to is named here, once."""

from typing import Final

REGISTRY: Final = "agents.registry"
"""An agent came or went: `AgentRegistration` with a status."""
RESULTS: Final = "turns.results"
"""A specialist's whole answer to an asynchronous turn: `TurnResult`."""
DEAD: Final = "turns.dead"
"""What nobody could handle: dead letters of the turns' topics."""
CONVERSATION_EVENTS: Final = "conversation.events"
"""How a turn ended, without anybody's words."""
HANDOVER: Final = "conversation.handover"
"""A conversation went to a person, or came back: `HandoverEvent`."""


def turns_of(agent_id: str) -> str:
    """Asynchronous turns for one agent: `TurnRequest`."""
    return f"agent.{agent_id}.turns"
