"""The tech specialist: broadband and mobile faults, how-to questions, and tickets."""

from pathlib import Path

from services.tech.tools import TechTools
from switchboard.agent import Agent

agent = Agent(Path(__file__).parent, tools=TechTools.open)
app = agent.app()
