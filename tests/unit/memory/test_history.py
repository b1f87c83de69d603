"""The history that a prompt holds is bounded, whatever was said and however long the conversation is."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from services.supervisor.turns.records import Conversation, Turn
from switchboard.contracts.turns import HISTORY_MESSAGES_MAX, HistoryMessage
from switchboard.memory.history import MESSAGES_MAX, TOKENS_MAX, bounded, shortened
from switchboard.text.tokens import estimated_tokens

AT = datetime(2026, 11, 21, tzinfo=UTC)
messages = st.lists(
    st.builds(HistoryMessage, role=st.sampled_from(["user", "assistant"]), text=st.text(max_size=9_000)), max_size=40
)


@given(messages, st.integers(1, 3_000), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_any_history_fits_its_budget_and_keeps_the_newest_in_order(
    said: list[HistoryMessage], tokens_max: int, messages_max: int
) -> None:
    kept = bounded(said, tokens_max=tokens_max, messages_max=messages_max)
    assert len(kept) <= messages_max
    assert sum(estimated_tokens(each.text) for each in kept) <= tokens_max
    assert [each.role for each in kept] == [each.role for each in said][len(said) - len(kept) :]


@given(st.text(max_size=5_000), st.integers(0, 800))
@settings(max_examples=100, deadline=None)
def test_a_shortened_text_fits_and_begins_like_the_whole(text: str, tokens_max: int) -> None:
    short = shortened(text, tokens_max)
    assert estimated_tokens(short) <= tokens_max
    assert short == text or text.startswith(short.split("\n…\n")[0])


def test_a_long_message_keeps_the_question_at_its_end() -> None:
    text = "Your plan has many parts. " * 300 + "Shall I open a ticket?"
    assert shortened(text, 500).endswith("Shall I open a ticket?")


@given(st.lists(st.tuples(st.text(min_size=1, max_size=8_000), st.text(max_size=20_000)), min_size=1, max_size=30))
@settings(max_examples=25, deadline=None)
def test_the_tail_of_a_conversation_never_grows_beyond_its_budget(turns: list[tuple[str, str]]) -> None:
    conversation = Conversation(conversation_id="c", tenant="t", owner="u", created_at=AT, updated_at=AT)
    for n, (message, text) in enumerate(turns, 1):
        conversation = conversation.with_turn(turn(n, message, text))
        history = conversation.history()
        assert len(history) <= min(MESSAGES_MAX, HISTORY_MESSAGES_MAX)
        assert sum(estimated_tokens(each.text) for each in history) <= TOKENS_MAX


def test_the_last_turns_are_whole_in_a_conversation_of_a_thousand() -> None:
    conversation = Conversation(conversation_id="c", tenant="t", owner="u", created_at=AT, updated_at=AT)
    for n in range(1, 1001):
        conversation = conversation.with_turn(turn(n, f"Question {n}", f"Answer {n}"))
    texts = [each.text for each in conversation.history()]
    assert texts == [text for n in range(997, 1001) for text in (f"Question {n}", f"Answer {n}")]


def turn(n: int, message: str, text: str) -> Turn:
    return Turn(
        turn_id=f"c.{n}",
        conversation_id="c",
        n=n,
        tenant="t",
        user="u",
        status="completed",
        lease_until=AT,
        message=message,
        text=text,
        agents=["billing"],
        created_at=AT,
    )
