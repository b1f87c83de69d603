from typing import Any

from bench.figures import percentile
from bench.hops import hops


def span(name: str, self_ms: float) -> dict[str, Any]:
    return {"service": "billing", "name": name, "self_ms": self_ms}


def test_hops_are_medians_over_turns_of_a_turns_sum() -> None:
    found = hops([[span("x", 2)], [span("x", 1), span("x", 3)], [span("x", 9)]])
    assert [(hop.name, hop.self_ms_p50, hop.calls_a_turn) for hop in found] == [("x", 4.0, 1.3)]


def test_the_costliest_hop_comes_first() -> None:
    assert [hop.name for hop in hops([[span("small", 1), span("large", 5)]])] == ["large", "small"]


def test_percentiles_are_nearest_rank() -> None:
    assert percentile([5, 1, 3], 0.5) == 3
    assert percentile(list(range(1, 101)), 0.95) == 95
