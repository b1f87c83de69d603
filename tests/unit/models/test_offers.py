"""An offer stays open while the talk goes on, and only a clear yes takes it up."""

import numpy as np
import pytest

from switchboard.models import MiniLmEmbedder
from switchboard.models.embedded.learned import fitted, left_out
from switchboard.models.embedded.replies import Replies, is_conditional
from tests.unit.models.conftest import LIBRARY, Ask

OFFER = {"question": "Shall I renew LN-7777?", "tool": "renew_loan", "arguments": {"loan_id": "LN-7777"}}
TALK = (
    "What have I got?",
    "LN-7777 is due on Friday. Shall I renew LN-7777?",
    "How long would that be?",
    "Three weeks.",
)


@pytest.mark.parametrize("yes", ["go for it then", "so yes, please do that", "ok then, renew it for me please"])
async def test_an_offer_is_taken_up_after_a_question_about_it(ask: Ask, yes: str):
    reply = await ask(LIBRARY, *TALK, yes, offer=OFFER)
    assert [(call.name, call.arguments) for call in reply.calls] == [("renew_loan", {"loan_id": "LN-7777"})]


@pytest.mark.parametrize(
    "said", ["thanks, good to know", "and when do you open on Saturdays?", "ok", "what else is due"]
)
async def test_what_is_no_clear_yes_takes_up_nothing_that_was_offered_before(ask: Ask, said: str):
    reply = await ask(LIBRARY, *TALK, said, offer=OFFER)
    assert "renew_loan" not in [call.name for call in reply.calls]


@pytest.mark.parametrize(
    "said",
    [
        "yes but the other one",
        "yes, only if it is free",
        "sure but not today",
        "ja, aber erst morgen",
        "absolutely not",
    ],
)
async def test_a_yes_with_a_condition_is_none(ask: Ask, said: str):
    reply = await ask(LIBRARY, *TALK[:2], said, offer=OFFER)
    assert {"loan_id": "LN-7777"} not in [call.arguments for call in reply.calls]


async def test_a_yes_and_another_question_do_both(ask: Ask):
    reply = await ask(LIBRARY, *TALK[:2], "yes, do that. What loans do I have?", offer=OFFER)
    assert [call.name for call in reply.calls] == ["renew_loan", "list_loans"]


def test_a_courtesy_is_no_condition():
    assert not is_conditional("renew it, if you please")
    assert is_conditional("renew it, if it costs nothing")


@pytest.mark.parametrize(
    ("said", "begins", "later", "reply"),
    [
        ("yes certainly", "accept", False, "accept"),
        ("yes but for somebody else", "accept", False, "other"),
        ("go ahead, I want it back", "other", False, "accept"),
        ("that was the plan all along for the summer", "other", True, "other"),
    ],
)
async def test_a_reply_is_read_with_how_it_begins(
    embedder: MiniLmEmbedder, said: str, begins: str, later: bool, reply: str
):
    assert await Replies(embedder).decide(said, begins, later=later) == reply  # type: ignore[arg-type]


async def test_what_is_left_out_is_scored_as_by_a_fit_without_it(embedder: MiniLmEmbedder):
    texts = ["please do", "do it now", "not today", "leave it", "no never"]
    targets = np.array([[1], [1], [0], [0], [0]], dtype=np.float32)
    vectors = await embedder.embed(texts)
    without = fitted(texts[2:], vectors[2:], targets[2:])
    scores = left_out(texts, vectors, targets, ["a", "a", "b", "c", "d"])
    assert scores[:2] == pytest.approx(without.scores(texts[:2], vectors[:2]), abs=1e-4)
