"""What an agent team writes: `agent = Agent(Path(__file__).parent, tools=MyTools.open); app = agent.app()`."""

from pathlib import Path

from fastapi import FastAPI

from switchboard.agent.app import create_app
from switchboard.agent.bootstrap import ToolsFactory, build
from switchboard.agent.settings import AgentSettings
from switchboard.contracts.cards import load_card
from switchboard.sidecar.ports import Sidecar
from switchboard.telemetry import setup

CARD_FILE = "agent.yaml"


class Agent:
    """A specialist made of a folder (card, knowledge) and a factory of tools. Raises `BadConfiguration`."""

    def __init__(self, folder: Path, tools: ToolsFactory | None = None) -> None:
        self.folder = folder
        self.card = load_card(folder / CARD_FILE)
        self._factory = tools

    def app(self, settings: AgentSettings | None = None, sidecar: Sidecar | None = None) -> FastAPI:
        """The ASGI app. Tests pass settings and an in-memory sidecar; a service passes neither."""
        settings = settings or AgentSettings()
        telemetry = setup(
            self.card.id,
            endpoint=settings.otlp_endpoint,
            connection_string=settings.applicationinsights_connection_string,
        )
        return create_app(build(self.card, self.folder, settings, sidecar), self._factory, telemetry)
