"""The tree of a trace: who called whom, how long it took, and how much of that was its own work."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from switchboard.telemetry.spans import Span


@dataclass(slots=True)
class Node:
    """A span in its tree."""

    span: Span
    depth: int = 0
    orphan: bool = False
    """Its parent is named but not here: not exported yet, lost, or another tenant's."""
    children: list["Node"] = field(default_factory=list["Node"])
    covered: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """When any span below it was active, in nanoseconds: sorted, disjoint. A parent need not cover it."""

    @property
    def duration_ms(self) -> float:
        return (self.span.end_ns - self.span.start_ns) / 1e6

    @property
    def self_ms(self) -> float:
        """Time in which no span below it was active, in milliseconds.

        All below count, not its children alone: a sidecar's span ends with the response's headers, while the app behind
        it streams on.
        """
        began, ended = self.span.start_ns, self.span.end_ns
        below = sum(max(0, min(end, ended) - max(start, began)) for start, end in self.covered)
        return (ended - began - below) / 1e6

    def walk(self) -> Iterator["Node"]:
        """This node and all below it, parents first, siblings by start."""
        stack: list[Node] = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))


@dataclass(frozen=True, slots=True)
class TraceTree:
    """All spans of one trace. More than one root means orphans, or spans that are still to come."""

    trace_id: str
    roots: tuple[Node, ...]
    start_ns: int
    end_ns: int

    @property
    def duration_ms(self) -> float:
        return (self.end_ns - self.start_ns) / 1e6

    @property
    def services(self) -> list[str]:
        """In the order in which they first work."""
        return list(dict.fromkeys(node.span.service for node in self.nodes()))

    def nodes(self) -> Iterator[Node]:
        for root in self.roots:
            yield from root.walk()


def assemble(spans: Sequence[Span]) -> TraceTree:
    """Builds the tree of the spans of one trace, in any order. Raises `ValueError` for none at all.

    A span whose parents form a circle (only a broken exporter sends that) becomes an orphan root.
    """
    if not spans:
        raise ValueError("a trace has at least one span")
    nodes = {span.span_id: Node(span) for span in sorted(spans, key=lambda s: (s.start_ns, -s.end_ns))}
    roots: list[Node] = []
    for node in nodes.values():
        parent = nodes.get(node.span.parent_id)
        if parent is None or _in_circle(node, nodes):
            node.orphan = bool(node.span.parent_id)
            roots.append(node)
        else:
            parent.children.append(node)
    for root in roots:
        for node in root.walk():
            for child in node.children:
                child.depth = node.depth + 1
        for node in reversed(list(root.walk())):
            node.covered = _union(node.children)
    return TraceTree(
        trace_id=spans[0].trace_id,
        roots=tuple(roots),
        start_ns=min(span.start_ns for span in spans),
        end_ns=max(span.end_ns for span in spans),
    )


def _union(children: Sequence[Node]) -> list[tuple[int, int]]:
    intervals = [(child.span.start_ns, child.span.end_ns) for child in children]
    intervals += [interval for child in children for interval in child.covered]
    union: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if union and start <= union[-1][1]:
            union[-1] = union[-1][0], max(end, union[-1][1])
        else:
            union.append((start, end))
    return union


def _in_circle(node: Node, nodes: dict[str, Node]) -> bool:
    """Whether a node is its own ancestor."""
    step = nodes.get(node.span.parent_id)
    for _ in range(len(nodes)):
        if step is None:
            return False
        if step is node:
            return True
        step = nodes.get(step.span.parent_id)
    return False
