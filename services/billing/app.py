"""The billing specialist: card, tools, nothing else."""

from pathlib import Path

from services.billing.tools import BillingTools
from switchboard.agent import Agent

agent = Agent(Path(__file__).parent, tools=BillingTools.open)
app = agent.app()
