"""Golden cases: what a user says, and what must be true of the answer."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from switchboard.contracts.turns import UserMessage

BEFORE_MAX = 12

CaseId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{2,79}$")]
Fact = Annotated[str, StringConstraints(min_length=1, max_length=300)]
OneOf = Fact | Annotated[list[Fact], Field(min_length=1, max_length=12)]
"""A text that must stand in the answer, or several of which one must. `/…/` is a regular expression."""


class Expected(BaseModel):
    """What must be true of one answer. What is left out is not judged."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    route: list[str] | None = None
    """Exactly these agents answer, in any order; empty: the supervisor itself."""
    by: list[str] | None = None
    """Who may have decided, as `route.decided` says it: `out_of_scope`, `clarify`, …"""
    tools: list[OneOf] | None = None
    """Each must be called; of a list, one. An empty list: none may be called."""
    tools_forbidden: list[str] = Field(default_factory=list)
    facts: list[OneOf] = Field(default_factory=list[OneOf])
    forbidden: list[Fact] = Field(default_factory=list)
    """Claims that must not stand in the answer."""
    cites: list[OneOf] | None = None
    """Ids of documents that must be cited; an empty list: none may be."""
    refuse: bool | None = None
    """True: it must say that it does not know, cannot or may not. False: it must not."""


class Case(Expected):
    """One golden case: the last message of a short conversation is judged."""

    id: CaseId
    user: str
    """`tenant/user`, or a name that the suite's facts know."""
    before: list[UserMessage] = Field(default_factory=list, max_length=BEFORE_MAX)
    """Earlier messages of the same conversation."""
    say: UserMessage
    tags: list[str] = Field(default_factory=list)
    note: str = ""
    """Why it is here; not judged."""
    draft: bool = False
    """Waits for a person to say what is expected; a run leaves it out."""
    changes_data: bool = False
    """Run after all others, one at a time: what it writes must not be seen by them."""


def alternatives_of(wanted: Sequence[OneOf]) -> list[str]:
    """All the texts in a list of facts, alternatives included."""
    return [text for each in wanted for text in ([each] if isinstance(each, str) else each)]


def is_pattern(text: str) -> bool:
    return len(text) > 2 and text.startswith("/") and text.endswith("/")
