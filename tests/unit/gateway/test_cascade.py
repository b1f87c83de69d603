from typing import Any

import pytest

from services.gateway.calls.answers.cascade import fault_of
from services.gateway.policy.models import CascadeChecks

TOOLS = [{"type": "function", "function": {"name": "f"}}]


def answer(text: str | None = None, *, calls: bool = False, **message: Any) -> dict[str, Any]:
    told = {"content": text, "tool_calls": [{"id": "c"}] if calls else None, **message}
    return {"choices": [{"message": told, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    ("given", "asked", "fault"),
    [
        (answer("Your invoice is £20."), {}, ""),
        (answer(calls=True), {"tools": TOOLS, "tool_choice": "required"}, ""),
        (answer("It is £20."), {"tools": TOOLS, "tool_choice": "required"}, "tool_needed"),
        (answer("It is £20."), {"tools": TOOLS, "tool_choice": {"type": "function"}}, "tool_needed"),
        (answer("It is £20."), {"tools": TOOLS}, ""),
        (answer("I’m sorry, but I can’t help with that."), {}, "refusal"),
        (answer("I don't know."), {}, "refusal"),
        (answer("", refusal="No."), {}, "refusal"),
        (answer(""), {}, "too_short"),
        (answer("I'm sorry that your invoice is late; it comes tomorrow."), {}, ""),
    ],
)
def test_an_answer_is_taken_unless_it_fails_a_check(given: dict[str, Any], asked: dict[str, Any], fault: str):
    assert fault_of(given, asked, CascadeChecks()) == fault


def test_checks_may_be_turned_off_and_the_shortest_text_chosen():
    checks = CascadeChecks(refusal=False, characters_min=0)
    assert fault_of(answer("I cannot help."), {}, checks) == ""
    assert fault_of(answer("Yes."), {}, CascadeChecks(characters_min=10)) == "too_short"
