"""What was written by another version is read, and what a turn costs is exact."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.supervisor.turns.records import Turn
from switchboard.contracts.errors import DeadlineExceeded, Interrupted, LimitExceeded, Unavailable
from switchboard.contracts.events import TurnCompleted, Usage, turn_event_adapter
from switchboard.contracts.turns import AgentAnswer

OLD_TURN = {
    "turn_id": "c.1",
    "conversation_id": "c",
    "n": 1,
    "tenant": "aurora",
    "user": "ada",
    "status": "running",
    "lease_until": "2026-11-15T09:30:00Z",
    "message": "Both, please",
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "model_calls": 2, "cost_usd": 0.00042},
    "citations": [{"n": 1, "title": "t", "uri": "kb://a/b#0-1", "span": "s"}],
    "events_count": 7,
    "parts": [
        {"agent": "billing", "name": "Billing", "message": "this", "status": "running", "usage": {"cost_usd": 0.0}},
        {"agent": "tech", "name": "Tech", "message": "that", "status": "completed", "text": "It is.", "usage": {"cost_usd": 0.5}},
        {"agent": "product", "name": "Product", "message": "it", "status": "failed", "code": "deadline_exceeded", "failure": "Too slow."},
    ],
    "created_at": "2026-11-15T09:29:00Z",
}  # fmt: skip
"""As `turn|…` was written before costs were integers and answers had a shape of their own."""


def test_a_record_with_a_cost_in_dollars_is_read() -> None:
    turn = Turn.model_validate(OLD_TURN)
    assert turn.usage == Usage(prompt_tokens=3, completion_tokens=1, model_calls=2, cost_picousd=420_000_000)
    assert turn.citations[0].title == "t"
    assert "events_count" not in turn.model_dump()


def test_parts_whose_answers_stood_flat_beside_them_are_read() -> None:
    billing, tech, product = Turn.model_validate(OLD_TURN).parts
    assert (billing.status, billing.answer) == ("running", None)
    assert tech.answer is not None
    assert (tech.status, tech.answer.text, tech.answer.usage.cost_picousd) == ("completed", "It is.", 500_000_000_000)
    assert product.answer is not None and isinstance(product.answer.error, DeadlineExceeded)
    again = Turn.model_validate(Turn.model_validate(OLD_TURN).model_dump(mode="json"))
    assert again == Turn.model_validate(OLD_TURN)


def test_a_turns_cost_is_that_of_its_usage_and_on_the_wire() -> None:
    completed = TurnCompleted(text="", agents=[], usage=Usage(cost_picousd=7))
    assert completed.cost_picousd == 7
    assert completed.model_dump(mode="json")["cost_picousd"] == 7
    assert turn_event_adapter.validate_json(completed.model_dump_json()) == completed


@given(st.lists(st.integers(0, 10**13), max_size=30))
def test_a_sum_of_costs_is_exact(costs: list[int]) -> None:
    total = Usage()
    for cost in costs:
        total += Usage(model_calls=1, cost_picousd=cost)
    assert total.cost_picousd == sum(costs)


def test_only_calls_that_all_came_from_a_cache_make_a_cached_answer() -> None:
    assert not Usage().is_all_cached
    assert not Usage(model_calls=2, cached_calls=1).is_all_cached
    assert (Usage(model_calls=1, cached_calls=1) + Usage(model_calls=1, cached_calls=1)).is_all_cached


def test_an_agents_failure_comes_back_as_the_error_it_was() -> None:
    for error in (LimitExceeded("Too much.", retry_after_s=7), Unavailable("No."), Interrupted()):
        again = AgentAnswer.failed("billing", error).error
        assert type(again) is type(error)
        assert again is not None and (again.message, again.retry_after_s) == (error.message, error.retry_after_s)


def test_a_turn_of_a_process_that_went_is_read_as_interrupted() -> None:
    turn = Turn.model_validate(OLD_TURN | {"lease_until": datetime(2020, 1, 1, tzinfo=UTC)})
    assert (turn.as_read().status, turn.as_read().code, turn.status) == ("failed", "interrupted", "running")
