"""Golden cases: what a user says, and what must be true of the answer."""

from typing import Annotated

from pydantic import Field, StringConstraints

from switchboard.contracts.turns import UserMessage
from switchboard.scoring.expected import Expected

BEFORE_MAX = 12

CaseId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{2,79}$")]


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
