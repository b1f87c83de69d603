"""The tree of a trace."""

import pytest

from switchboard.telemetry.spans import Span
from switchboard.telemetry.tree import assemble

TRACE = "0af7651916cd43dd8448eb211c80319c"


def span(span_id: str, parent_id: str, start_ms: float, end_ms: float, service: str = "supervisor") -> Span:
    return Span(TRACE, span_id, parent_id, span_id, service, int(start_ms * 1e6), int(end_ms * 1e6))


def test_children_follow_their_parent_in_order_of_start() -> None:
    tree = assemble([span("c", "a", 5, 6), span("b", "a", 1, 4), span("d", "b", 2, 3), span("a", "", 0, 10)])
    assert [(node.span.span_id, node.depth) for node in tree.nodes()] == [("a", 0), ("b", 1), ("d", 2), ("c", 1)]
    assert tree.duration_ms == 10


def test_self_time_counts_overlapping_children_once() -> None:
    tree = assemble([span("a", "", 0, 10), span("b", "a", 1, 5), span("c", "a", 3, 7), span("d", "a", 9, 20)])
    assert tree.roots[0].self_ms == pytest.approx(3)


def test_self_time_leaves_out_what_streams_on_after_a_childs_end() -> None:
    tree = assemble([span("invoke", "", 0, 10), span("sidecar", "invoke", 1, 3), span("app", "sidecar", 2, 9)])
    assert [node.self_ms for node in tree.nodes()] == pytest.approx([2, 1, 7])


def test_a_span_without_its_parent_becomes_an_orphan_root() -> None:
    tree = assemble([span("a", "", 0, 10), span("x", "lost", 2, 3)])
    assert [(root.span.span_id, root.orphan) for root in tree.roots] == [("a", False), ("x", True)]


def test_a_circle_of_parents_neither_hangs_nor_loses_a_span() -> None:
    tree = assemble([span("a", "b", 0, 1), span("b", "a", 0, 1), span("c", "b", 0, 1)])
    assert sorted(node.span.span_id for node in tree.nodes()) == ["a", "b", "c"]


def test_services_come_in_the_order_in_which_they_first_work() -> None:
    tree = assemble([span("b", "a", 1, 2, "billing"), span("a", "", 0, 3), span("c", "a", 2, 3, "tech")])
    assert tree.services == ["supervisor", "billing", "tech"]


def test_a_trace_of_no_spans_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        assemble([])
