"""Streams: read as they come, in whatever pieces; replayed from whole answers; both say the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.calls.answers.reader import EventReader
from services.gateway.providers.chunked import DONE, WholeStream, events_of
from services.gateway.providers.port import Spent
from switchboard.contracts.errors import Unavailable

ANSWER: dict[str, Any] = {
    "id": "x",
    "object": "chat.completion",
    "created": 7,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "It is in Leeds, I think, near the river.",
                "refusal": None,
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
                    {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
                ],
            },
            "logprobs": None,
            "finish_reason": "tool_calls",
        }
    ],
    "usage": {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14},
}


@given(st.lists(st.integers(1, 60), min_size=1, max_size=60))
def test_a_stream_reads_the_same_in_whatever_pieces_it_comes(sizes: list[int]):
    data, reader, given_on, at = events_of(ANSWER) + DONE, EventReader("?"), b"", 0
    for size in [*sizes, len(data)]:
        given_on += reader.feed(data[at : at + size])
        at += size
    assert reader.done
    assert reader.answer() == ANSWER
    assert reader.spent == Spent(5, 9)
    assert b'"usage"' not in given_on and b"[DONE]" not in given_on
    assert given_on + b"data: " in events_of(ANSWER)


def test_other_line_ends_and_comments_are_understood():
    reader = EventReader("m")
    told = reader.feed(
        b': keep-alive\r\n\r\ndata:{"choices":[{"index":0,"delta":{"content":"hi"}}]}\r\n\r\ndata: [DONE]\r\n\r\n'
    )
    assert told == b'data:{"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'
    assert (reader.done, reader.tokens) == (True, 1)


def test_a_choice_without_a_number_and_a_stream_whose_usage_was_told_are_whole():
    reader = EventReader("m")
    reader.feed(b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n')
    assert (reader.tokens, reader.is_whole) == (1, False)
    reader.feed(b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n')
    assert reader.is_whole


@pytest.mark.parametrize(
    "data",
    [
        b"data: secret\n\n",
        b'data: {"error": {"message": "secret"}}\n\n',
        b'data: {"choices": "secret"}\n\n',
        b'data: {"choices": [{"secret": 1}]}\n\n',
        b"data: [1]\n\n",
        b"x" * (1024 * 1024 + 1),
    ],
)
def test_what_is_no_stream_is_an_error_in_our_words(data: bytes):
    with pytest.raises(Unavailable) as raised:
        EventReader("m").feed(data)
    assert "secret" not in raised.value.message


async def test_a_whole_answer_streams_in_one_read():
    stream = WholeStream(ANSWER)
    assert (await stream.read()).endswith(DONE)
    assert await stream.read() == b""
