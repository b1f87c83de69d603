"""What must be true of an answer, as a golden case says it and the evaluators read it."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

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


def alternatives_of(wanted: Sequence[OneOf]) -> list[str]:
    """All the texts in a list of facts, alternatives included."""
    return [text for each in wanted for text in ([each] if isinstance(each, str) else each)]


def is_pattern(text: str) -> bool:
    return len(text) > 2 and text.startswith("/") and text.endswith("/")
