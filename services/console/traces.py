"""Traces as the page and the CLI read them: the tree in reading order, and only what the caller may see."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from switchboard.contracts.turns import Principal
from switchboard.telemetry.spans import Span
from switchboard.telemetry.tree import Node, TraceTree, assemble

OPERATOR = "operator"


class SpanView(BaseModel):
    """A line of the waterfall. `start_ms` counts from the start of the trace."""

    span_id: str
    parent_id: str
    depth: int
    orphan: bool
    name: str
    service: str
    kind: str
    start_ms: float
    duration_ms: float
    self_ms: float
    status: str
    message: str
    attributes: dict[str, Any]


class TraceView(BaseModel):
    """A trace; `spans` are in tree order, parents before children."""

    trace_id: str
    started_at: datetime
    duration_ms: float
    services: list[str]
    spans: list[SpanView]


class TracesView(BaseModel):
    """The traces of a turn or a conversation, oldest first."""

    traces: list[TraceView]


def visible(spans: Sequence[Span], principal: Principal) -> list[Span]:
    """The spans that `principal` may see: an operator those of their tenant, others those of their own turns.

    Spans that say not whose they are (a sidecar's) are shown with the trace when all of it that says so is theirs.
    """
    tenants = {span.tenant for span in spans if span.tenant is not None or span.user is not None}
    if OPERATOR in principal.roles:
        theirs = tenants == {principal.tenant}
        return list(spans) if theirs else [span for span in spans if span.tenant == principal.tenant]
    users = {span.user for span in spans if span.user is not None}
    if tenants == {principal.tenant} and users == {principal.user}:
        return list(spans)
    return [span for span in spans if (span.tenant, span.user) == (principal.tenant, principal.user)]


def trace_view(spans: Sequence[Span]) -> TraceView:
    tree = assemble(spans)
    return TraceView(
        trace_id=tree.trace_id,
        started_at=datetime.fromtimestamp(tree.start_ns / 1e9, UTC),
        duration_ms=round(tree.duration_ms, 3),
        services=tree.services,
        spans=[_span_view(node, tree) for node in tree.nodes()],
    )


def _span_view(node: Node, tree: TraceTree) -> SpanView:
    span = node.span
    return SpanView(
        span_id=span.span_id,
        parent_id=span.parent_id,
        depth=node.depth,
        orphan=node.orphan,
        name=span.name,
        service=span.service,
        kind=span.kind,
        start_ms=round((span.start_ns - tree.start_ns) / 1e6, 3),
        duration_ms=round(node.duration_ms, 3),
        self_ms=round(node.self_ms, 3),
        status=span.status,
        message=span.message,
        attributes=span.attributes,
    )
