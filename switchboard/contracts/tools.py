"""What a tool gets and gives. The JSON of `ToolOutcome` is what any model, real or embedded, reads."""

from typing import Any, Final

from pydantic import BaseModel, Field

SEARCH_TOOL: Final = "search_knowledge"
"""The framework's own tool, of every agent that has articles."""


class Passage(BaseModel):
    """A passage of a knowledge article, numbered for citing as `[n]`."""

    n: int
    title: str
    uri: str
    """`kb://<agent>/<document>#<start>-<end>@<version>`; it resolves after the document was replaced, too."""
    text: str
    document: str = ""
    version: str = ""
    start: int = 0
    end: int = 0
    """Offsets in characters of the document's text in that version."""
    score: float | None = None
    """How near it is to the query by meaning, a cosine; None where the search went by words only."""


class Offer(BaseModel):
    """Something the agent may propose next; the user's "yes please" makes the model call `tool`."""

    question: str
    """As the user reads it: 'Would you like me to open a ticket for this?'"""
    tool: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class ToolOutcome(BaseModel):
    """`facts` are finished sentences with every number in them; `data` the same for programs.

    An empty outcome (no facts, no passages) means that nothing was found.
    """

    facts: list[str] = Field(default_factory=list)
    passages: list[Passage] = Field(default_factory=list[Passage])
    offer: Offer | None = None
    offer_unanswered: Offer | None = None
    """What to propose only where nothing that was found answers the question."""
    data: dict[str, Any] = Field(default_factory=dict)
