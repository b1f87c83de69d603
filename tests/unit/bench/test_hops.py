from bench.figures import percentile
from bench.hops import TimedSpan, hops, self_times


def span(span_id: str, parent_id: str | None, start_ms: float, end_ms: float) -> TimedSpan:
    return TimedSpan(span_id, parent_id, "service", span_id, int(start_ms * 1e6), int(end_ms * 1e6))


def test_self_time_leaves_out_what_children_cover_together() -> None:
    spans = [span("root", None, 0, 10), span("a", "root", 1, 5), span("b", "root", 3, 7), span("c", "a", 2, 3)]
    times = {name: milliseconds for _, name, milliseconds in self_times(spans)}
    assert times == {"root": 4.0, "a": 3.0, "b": 4.0, "c": 1.0}


def test_a_child_that_outlives_its_parent_is_cut_at_the_parents_end() -> None:
    assert dict((n, ms) for _, n, ms in self_times([span("p", None, 0, 4), span("k", "p", 3, 9)]))["p"] == 3.0


def test_hops_are_medians_over_turns_of_a_turns_sum() -> None:
    found = hops([[span("x", None, 0, 2)], [span("x", None, 0, 4)], [span("x", None, 0, 9)]])
    assert [(hop.name, hop.self_ms_p50, hop.calls_a_turn) for hop in found] == [("x", 4.0, 1.0)]


def test_percentiles_are_nearest_rank() -> None:
    assert percentile([5, 1, 3], 0.5) == 3
    assert percentile(list(range(1, 101)), 0.95) == 95
