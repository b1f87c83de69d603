"""The bench's hop table adds up, also where a sidecar's span ends before the work behind it."""

from typing import Any

import pytest

from bench.figures import percentile
from bench.hops import hops


def span(service: str, name: str, depth: int, start_ms: float, end_ms: float) -> dict[str, Any]:
    return {"service": service, "name": name, "depth": depth, "start_ms": start_ms, "duration_ms": end_ms - start_ms}


OURS = [
    span("supervisor", "POST /v1/chat", 0, 0, 20),
    span("supervisor", "turn", 1, 1, 19),
    span("supervisor", "invoke billing", 2, 3, 17),
    span("billing.dapr", "CallLocal/billing/agent/turns", 3, 4, 6),  # ends with the headers of the stream
    span("billing", "POST /agent/turns", 4, 5, 16),
    span("billing", "chat fast", 5, 7, 12),
    span("supervisor.dapr", "SaveState", 2, 17, 22),  # goes on after the answer
]


def test_self_times_sum_to_the_turn() -> None:
    found = hops([OURS])
    assert found.turn_ms == pytest.approx(20)
    assert sum(hop.self_ms for hop in found.hops) == pytest.approx(20)


def test_an_instant_belongs_to_the_deepest_span_even_where_its_parent_has_ended() -> None:
    of = {hop.name: hop.self_ms for hop in hops([OURS]).hops}
    assert of == pytest.approx(
        {
            "POST /v1/chat": 1,  # 0–1; what follows 19 is the state that is being saved
            "turn": 2,
            "invoke billing": 2,  # 3–4 and 16–17: not the eleven milliseconds in which billing works
            "CallLocal/billing/agent/turns": 1,
            "POST /agent/turns": 6,
            "chat fast": 5,
            "SaveState": 3,
        }
    )


def test_what_runs_on_after_the_turn_is_no_part_of_it() -> None:
    assert hops([OURS]).after_ms == pytest.approx(2)


def test_spans_side_by_side_share_no_instant() -> None:
    both = [span("s", "turn", 0, 0, 10), span("a", "one", 1, 1, 8), span("b", "two", 1, 2, 9)]
    assert {hop.name: hop.self_ms for hop in hops([both]).hops} == {"turn": 2, "one": 1, "two": 7}


def test_hops_are_means_of_the_middle_half_of_the_turns() -> None:
    turns = [[span("s", "turn", 0, 0, length)] for length in (900, 11, 9, 1)]
    found = hops(turns)
    assert (found.turn_ms, found.hops[0].self_ms, found.hops[0].calls_a_turn) == (10, 10, 1)


def test_the_costliest_hop_comes_first() -> None:
    turn = [span("s", "large", 0, 0, 6), span("s", "small", 1, 2, 3)]
    assert [hop.name for hop in hops([turn]).hops] == ["large", "small"]


def test_percentiles_are_nearest_rank() -> None:
    assert percentile([5, 1, 3], 0.5) == 3
    assert percentile(list(range(1, 101)), 0.95) == 95
