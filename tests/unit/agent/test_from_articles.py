"""When an answer rests on articles alone, and is anybody's."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from switchboard.agent.citations import Passages
from switchboard.agent.from_articles import is_from_articles
from switchboard.contracts.tools import SEARCH_TOOL, Offer, Passage
from switchboard.contracts.turns import HistoryMessage, Principal, Remembered, TurnRequest

TEXT = "You have 14 days to pay. After that we send a reminder; its fee is £5.00. Call 0800 123456 for help."
OFFER = Offer(question="Shall I?", tool="open_ticket")


def request(**fields: Any) -> TurnRequest:
    asked = {"turn_id": "c.1", "conversation_id": "c", "message": "How long?", "deadline": datetime.now(UTC), **fields}
    return TurnRequest(principal=Principal(tenant="aurora", user="C-1"), **asked)


def judged(text: str, of: TurnRequest | None = None, *, offered: Offer | None = None, **calls: Any) -> bool:
    passages = Passages("billing")
    passages.number([Passage(n=0, title="Paying", uri="kb://billing/paying", text=TEXT)])
    list(passages.read(text))
    made = {"called": {SEARCH_TOOL}, "changed": False, "offers": [], "passages": passages, **calls}
    return is_from_articles(text, of or request(), SimpleNamespace(**made), offered)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["You may take two weeks [1].", "You have 14 days to pay [1]."])
def test_an_answer_of_the_search_alone_is(text: str):
    assert judged(text)


def test_beside_another_tool_only_what_stands_in_the_passages_is():
    both = {SEARCH_TOOL, "get_invoice"}
    assert judged(
        "1. You have 14 days to pay. [1]\n2. **After that we send a reminder; its fee is £5.00.**", called=both
    )
    assert not judged("You have 14 days to pay [1]. Your invoice is £47.20.", called=both)


@pytest.mark.parametrize(
    "calls",
    [
        {"called": {"get_invoice"}},
        {"called": {SEARCH_TOOL, "open_ticket"}, "changed": True},
        {"offers": [OFFER]},
        {"offered": OFFER},
    ],
    ids=["no search", "a change", "an offer", "an offer before"],
)
def test_what_does_more_than_tell_is_not(calls: dict[str, Any]):
    assert not judged("You have 14 days to pay [1].", **calls)


def test_without_a_source_it_is_not():
    assert not judged("You have 14 days to pay.")


@pytest.mark.parametrize(
    "fields",
    [{"history": [HistoryMessage(role="user", text="Hello")]}, {"remembered": Remembered(summary="They pay by card.")}],
    ids=["history", "remembered"],
)
def test_after_something_was_said_it_is_not(fields: dict[str, Any]):
    assert not judged("You have 14 days to pay [1].", request(**fields))


def test_a_number_that_no_passage_has_is_somebodys():
    assert not judged("For account 8812345 it is 14 days [1].")
    assert judged("It is 14 days, or call 0800 123456 [1].")
