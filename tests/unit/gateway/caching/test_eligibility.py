"""What may be cached at all: in doubt, not."""

from typing import Any

import pytest

from services.gateway.caching.eligibility import (
    answer_text,
    exact_refusal,
    is_whole,
    question_of,
)

SYSTEM = {"role": "system", "content": "You help."}
USER = {"role": "user", "content": "What are your opening hours?"}
TOOL = {"type": "function", "function": {"name": "refund", "parameters": {}}}


def body(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "fast", "messages": list(messages), **more}


def test_one_question_under_a_prompt_is_a_question():
    question = question_of(body(SYSTEM, USER), "")
    assert not isinstance(question, str) and question.text == USER["content"]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (body(SYSTEM, USER, {"role": "assistant", "content": "Nine."}, USER), "history"),
        (body(USER, {"role": "tool", "tool_call_id": "1", "content": "balance 7"}), "tool_results"),
        (body(USER, {"role": "assistant", "tool_calls": [{"id": "1"}]}, USER), "tool_results"),
        (body(SYSTEM, USER, tools=[TOOL]), "tools"),
        (body(SYSTEM, USER, temperature=0.7), "sampling"),
        (body(SYSTEM, USER, n=2), "sampling"),
        (body(SYSTEM, {"role": "user", "content": [{"type": "image_url"}]}), "shape"),
        (body(SYSTEM, {"role": "user", "content": "  "}), "shape"),
        (body(SYSTEM), "history"),
    ],
)
def test_what_is_more_than_one_question_is_none(asked: dict[str, Any], reason: str):
    assert question_of(asked, "") == reason


def test_the_callers_no_holds_for_every_cache():
    assert exact_refusal(body(USER), "no") == "caller"
    assert question_of(body(USER), "no") == "caller"


def test_the_callers_yes_allows_tools_and_sampling_but_never_tools_results():
    assert not isinstance(question_of(body(SYSTEM, USER, tools=[TOOL], temperature=0.7), "yes"), str)
    assert question_of(body(USER, {"role": "tool", "content": "7"}), "yes") == "tool_results"


@pytest.mark.parametrize(
    "other",
    [
        body({"role": "system", "content": "You help Ada."}, USER),
        body(SYSTEM, USER, response_format={"type": "json_object"}),
        body(SYSTEM, USER, max_tokens=5),
    ],
)
def test_everything_beside_the_question_is_the_prompts_version(other: dict[str, Any]):
    one, two = question_of(body(SYSTEM, USER), ""), question_of(other, "")
    assert not isinstance(one, str) and not isinstance(two, str) and one.prompt != two.prompt


@pytest.mark.parametrize(
    "choice",
    [
        {"finish_reason": "length", "message": {"content": "cut"}},
        {"finish_reason": "tool_calls", "message": {"tool_calls": [{"id": "1"}]}},
        {"finish_reason": "stop", "message": {"content": None, "refusal": "No."}},
        {"finish_reason": "stop", "message": {"content": " "}},
    ],
)
def test_only_a_finished_text_answers_others(choice: dict[str, Any]):
    assert answer_text({"choices": [choice]}) is None


def test_a_cut_answer_is_not_whole():
    assert not is_whole({"choices": [{"finish_reason": "length"}]})
    assert not is_whole({"choices": []})
    assert is_whole({"choices": [{"finish_reason": "tool_calls"}]})
