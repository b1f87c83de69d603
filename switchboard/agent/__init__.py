"""What makes a specialist out of a card and tools.

from switchboard.agent import Agent, ToolContext, tool
agent = Agent(Path(__file__).parent, tools=BillingTools.open)
app = agent.app()
"""

from switchboard.agent.agent import Agent
from switchboard.agent.settings import AgentSettings
from switchboard.agent.tool import ToolContext, tool

__all__ = ["Agent", "AgentSettings", "ToolContext", "tool"]
