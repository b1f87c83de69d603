"""The fingerprint changes with everything that changes the answer, and with nothing else."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.caching.fingerprint import NOT_ANSWERED_TO, fingerprint

BODY: dict[str, Any] = {
    "model": "fast",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How are you?"}],
    "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}],
    "temperature": 0,
}
SCOPE = {"tenant": "aurora", "alias": "fast"}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def shuffled(value: Any) -> Any:
    """The same JSON value, its objects' keys the other way round."""
    if isinstance(value, dict):
        return {key: shuffled(each) for key, each in reversed(list(value.items()))}
    return [shuffled(each) for each in value] if isinstance(value, list) else value


@given(st.dictionaries(st.text(max_size=6), json_values, max_size=5))
def test_the_order_of_keys_does_not_matter(body: dict[str, Any]):
    assert fingerprint(body, **SCOPE) == fingerprint(shuffled(body), **SCOPE)


@given(st.lists(st.text(max_size=5), min_size=2, max_size=4, unique=True))
def test_the_order_of_messages_does(texts: list[str]):
    def of(contents: list[str]) -> str:
        return fingerprint({"messages": [{"role": "user", "content": each} for each in contents]}, **SCOPE)

    assert of(texts) != of(texts[::-1])


@given(st.text(max_size=20), st.text(max_size=20))
def test_two_texts_share_a_fingerprint_only_when_they_are_the_same(one: str, other: str):
    first, second = (fingerprint({"messages": [{"role": "user", "content": t}]}, **SCOPE) for t in (one, other))
    assert (first == second) == (one == other)


@pytest.mark.parametrize("field", sorted(NOT_ANSWERED_TO))
def test_how_the_answer_travels_does_not_matter(field: str):
    assert fingerprint({**BODY, field: "anything"}, **SCOPE) == fingerprint(BODY, **SCOPE)


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.5},
        {"tools": []},
        {"response_format": {"type": "json_object"}},
        {"max_tokens": 5},
        {"seed": 1},
        {"tool_choice": "none"},
        {"a_field_of_next_year": 1},
    ],
)
def test_every_other_field_matters(change: dict[str, Any]):
    assert fingerprint({**BODY, **change}, **SCOPE) != fingerprint(BODY, **SCOPE)


@pytest.mark.parametrize("change", [{"n": 1}, {"top_p": 1.0}, {"stop": None}, {"temperature": 0.0}, {"model": "other"}])
def test_saying_a_default_is_saying_nothing(change: dict[str, Any]):
    assert fingerprint({**BODY, **change}, **SCOPE) == fingerprint(BODY, **SCOPE)


@pytest.mark.parametrize("change", [{"tenant": "borealis"}, {"alias": "quality"}, {"user": "ada"}])
def test_the_scope_matters(change: dict[str, str]):
    assert fingerprint(BODY, **{**SCOPE, **change}) != fingerprint(BODY, **SCOPE)


def test_a_body_is_not_changed():
    before = copy.deepcopy(BODY)
    fingerprint(BODY, **SCOPE)
    assert before == BODY
