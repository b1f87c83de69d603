"""An answer as it is kept: what was told, without whom."""

from pydantic import BaseModel, Field

from switchboard.contracts.events import Citation, TurnCompleted, Usage
from switchboard.scoring.evaluators.refusal import is_refusal


class KeptAnswer(BaseModel):
    """Of one agent, from its articles."""

    text: str
    agent: str
    agent_name: str = ""
    citations: list[Citation] = Field(default_factory=list[Citation])
    usage: Usage = Field(default_factory=Usage)
    """What it took the first time: what a hit saves."""

    def told(self) -> TurnCompleted:
        """The same answer of another turn: it costs nothing."""
        return TurnCompleted(
            text=self.text, agents=[self.agent], citations=self.citations, cache_hit=True, from_articles=True
        )


def kept_of(answer: TurnCompleted, agent_name: str) -> KeptAnswer | None:
    """What may be kept of an answer: None where it is not anybody's, not sure, or no answer."""
    if not answer.from_articles or len(answer.agents) != 1 or not answer.citations:
        return None
    if answer.confidence or answer.cache_hit or is_refusal(answer.text):
        return None
    return KeptAnswer(
        text=answer.text,
        agent=answer.agents[0],
        agent_name=agent_name,
        citations=answer.citations,
        usage=answer.usage,
    )
