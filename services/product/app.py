"""The product specialist: card, tools, nothing else."""

from pathlib import Path

from services.product.tools import ProductTools
from switchboard.agent import Agent

agent = Agent(Path(__file__).parent, tools=ProductTools.open)
app = agent.app()
