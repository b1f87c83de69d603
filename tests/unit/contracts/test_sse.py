"""Server-sent events are encoded and parsed in one place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.contracts import sse


def test_an_event_comes_back_as_it_was_encoded() -> None:
    raw = sse.encode(b'{"a":1}', event=b"message.delta", id=b"c1.1:4")
    [event] = sse.Parser().feed(raw)
    assert (event.data, event.event, event.id, event.raw) == (b'{"a":1}', b"message.delta", b"c1.1:4", raw)


@given(st.lists(st.integers(1, 7), min_size=1), st.sampled_from([b"\n", b"\r\n"]))
def test_it_does_not_matter_how_the_bytes_were_cut(cuts: list[int], end: bytes) -> None:
    stream = b"".join(sse.encode(str(n).encode(), id=str(n).encode()) for n in range(5)).replace(b"\n", end)
    parser, got, at = sse.Parser(), [], 0
    for cut in [*cuts, len(stream)]:
        got += [event.data for event in parser.feed(stream[at : at + cut])]
        at += cut
    assert got == [b"0", b"1", b"2", b"3", b"4"]


def test_comments_are_events_without_data_and_lines_of_data_are_joined() -> None:
    ping, lines = sse.Parser().feed(sse.PING + b"data: a\ndata: b\n\n")
    assert (ping.data, lines.data) == (b"", b"a\nb")


def test_an_event_that_never_ends_is_refused() -> None:
    parser = sse.Parser()
    with pytest.raises(sse.EventTooLong):
        for _ in range(3):
            list(parser.feed(b"x" * (sse.EVENT_BYTES_MAX // 2)))
