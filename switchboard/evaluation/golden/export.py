"""A real turn made into a golden case: complete where its user liked it, a draft for a person where not."""

import re
from collections.abc import Sequence
from typing import Any

import yaml
from pydantic import BaseModel, Field

from switchboard.contracts.events import Citation
from switchboard.evaluation.golden.cases import BEFORE_MAX, Case
from switchboard.scoring.evaluators.expectations import document_of
from switchboard.scoring.evaluators.refusal import is_refusal
from switchboard.text.personal_data import MARKS, redacted

FACTS_MAX = 8
QUOTED_CHARACTERS_MAX = 400
HEAD = "# Cases made from real turns by `switchboard eval add-from`. Check each before you commit it.\nsuite: {suite}\ncases:\n"
_FIGURE = re.compile(r"£\d[\d,]*(?:\.\d\d)?")


class Rated(BaseModel):
    """What the exported turn's user said of it."""

    rating: str
    comment: str = ""


class PastTurn(BaseModel):
    """A turn as `GET /v1/conversations/{id}` tells it."""

    turn_id: str
    message: str
    text: str = ""
    status: str = "completed"
    agents: list[str] = Field(default_factory=list)
    tools: list[str] = Field(default_factory=list)
    citations: list[Citation] = Field(default_factory=list[Citation])
    rating: Rated | None = None


def case_of(turns: Sequence[PastTurn], *, user: str) -> Case:
    """The last of `turns` as a case; the ones before are its conversation, at most twelve of them.

    Personal data is taken out of what was said; a message that held some is a draft: a person puts made-up data there.
    What it answered becomes what is expected only where its user liked it: a figure of a bad answer is no fact.
    """
    turns = [_redacted(each, user) for each in turns]
    turn = turns[-1]
    liked = turn.rating is not None and turn.rating.rating == "up"
    expected: dict[str, Any] = {}
    if liked:
        figures = list(dict.fromkeys(_FIGURE.findall(turn.text)))[:FACTS_MAX]
        documents = list(dict.fromkeys(document_of(each.uri) for each in turn.citations))
        expected = {
            "route": list(turn.agents),
            "tools": list(dict.fromkeys(turn.tools)),
            "facts": figures,
            "refuse": is_refusal(turn.text),
        }
        if documents:
            expected["cites"] = documents
    return Case(
        id=f"turn-{_slug(turn.turn_id)}",
        user=user,
        before=[each.message for each in turns[:-1]][-BEFORE_MAX:],
        say=turn.message,
        note=_note(turn),
        draft=not liked or any(mark in each.message for each in turns for mark in MARKS),
        **expected,
    )


def _redacted(turn: PastTurn, user: str) -> PastTurn:
    ours = " ".join(text for each in turn.citations for text in (each.title, each.span))
    known = [user.rpartition("/")[2]]
    rating = turn.rating
    if rating is not None:
        rating = rating.model_copy(update={"comment": redacted(rating.comment, known, public=ours)})
    said = {"message": redacted(turn.message, known, public=ours), "text": redacted(turn.text, known, public=ours)}
    return turn.model_copy(update={**said, "rating": rating})


def yaml_of(case: Case) -> str:
    """The case as one item of a suite's list of cases."""
    fields = case.model_dump(exclude_defaults=True, exclude={"tags"})
    order = ["id", "user", "before", "say", "note", "draft"]
    sorted_ = {key: fields[key] for key in [*order, *(key for key in fields if key not in order)] if key in fields}
    block = yaml.safe_dump([sorted_], sort_keys=False, allow_unicode=True, width=110)
    return "".join(f"  {line}\n" for line in block.splitlines())


def _note(turn: PastTurn) -> str:
    if turn.rating is None:
        return f"No rating. It answered: {turn.text[:QUOTED_CHARACTERS_MAX]}"
    said = f": {turn.rating.comment}" if turn.rating.comment else "."
    if turn.rating.rating == "up":
        return f"Thumbs up{said}"
    return f"Thumbs down{said} It answered: {turn.text[:QUOTED_CHARACTERS_MAX]}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
