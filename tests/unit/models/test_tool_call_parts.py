"""Tool calls put together from a stream, in the ways in which providers really cut them."""

from typing import Any

import pytest

from switchboard.models.tool_call_parts import CALLS_MAX, StreamedToolCalls


def piece(name: str = "", arguments: str = "", **more: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments} if name else {"arguments": arguments}
    return {"function": function, **more}


STREAMS: dict[str, list[list[dict[str, Any]]]] = {
    "numbered, as OpenAI": [
        [piece("get", index=0, id="a", type="function")],
        [piece(arguments='{"x"', index=0)],
        [piece(arguments=":1}", index=0)],
        [piece("put", index=1, id="b")],
        [piece(arguments="{}", index=1)],
    ],
    "between each other": [
        [piece("get", index=0, id="a"), piece("put", index=1, id="b")],
        [piece(arguments='{"x"', index=0), piece(arguments="{}", index=1)],
        [piece(arguments=":1}", index=0)],
    ],
    "whole, all with the number 0": [[piece("get", '{"x":1}', index=0, id="a"), piece("put", "{}", index=0, id="b")]],
    "whole, without a number": [[piece("get", '{"x":1}', id="a")], [piece("put", "{}", id="b")]],
    "without a number, in pieces": [
        [piece("get", id="a")],
        [piece(arguments='{"x":1}')],
        [piece("put", id="b")],
        [piece(arguments="{}")],
    ],
    "name and id with every piece": [
        [piece("get", '{"x"', index=0, id="a")],
        [piece("get", ":1}", index=0, id="a")],
        [piece("put", "{}", index=1, id="b")],
    ],
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_two_calls_are_two_calls(stream: list[list[dict[str, Any]]]) -> None:
    calls = StreamedToolCalls()
    for pieces in stream:
        calls.add(pieces)
    assert [(call.id, call.name, call.arguments) for call in calls.whole()] == [
        ("a", "get", '{"x":1}'),
        ("b", "put", "{}"),
    ]


def test_a_call_without_an_id_gets_one_and_keeps_it() -> None:
    calls = StreamedToolCalls()
    calls.add([piece("get", "{}"), piece("put", "{}")])
    first, second = (call.id for call in calls.whole())
    assert first and second and first != second
    assert [call.id for call in calls.whole()] == [first, second]


def test_calls_without_end_have_an_end() -> None:
    calls = StreamedToolCalls()
    for number in range(1_000):
        calls.add([piece("get", "{}", index=number, id=str(number))])
    assert len(calls.whole()) == CALLS_MAX
