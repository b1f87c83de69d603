"""Where the milliseconds of a turn go: self time of the spans of sampled turns, hop by hop."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Hop:
    service: str
    name: str
    self_ms_p50: float
    calls_a_turn: float


@dataclass(frozen=True, slots=True)
class TimedSpan:
    span_id: str
    parent_id: str | None
    service: str
    name: str
    start_ns: int
    end_ns: int


def self_times(spans: Iterable[TimedSpan]) -> list[tuple[str, str, float]]:
    """(service, name, ms) a span: its duration less the union of its children's inside it."""
    spans = list(spans)
    children: dict[str, list[TimedSpan]] = defaultdict(list)
    for span in spans:
        if span.parent_id:
            children[span.parent_id].append(span)
    times = []
    for span in spans:
        covered, reached = 0, span.start_ns
        for child in sorted(children[span.span_id], key=lambda each: each.start_ns):
            start, end = max(child.start_ns, reached), min(child.end_ns, span.end_ns)
            if end > start:
                covered += end - start
                reached = end
        times.append((span.service, span.name, (span.end_ns - span.start_ns - covered) / 1e6))
    return times


def hops(turns: list[list[TimedSpan]]) -> list[Hop]:
    """The hops of all turns, the costliest first; `self_ms_p50` is the median over turns of a turn's sum."""
    sums: dict[tuple[str, str], list[float]] = defaultdict(list)
    calls: dict[tuple[str, str], int] = defaultdict(int)
    for spans in turns:
        of_turn: dict[tuple[str, str], float] = defaultdict(float)
        for service, name, milliseconds in self_times(spans):
            of_turn[service, name] += milliseconds
            calls[service, name] += 1
        for hop, milliseconds in of_turn.items():
            sums[hop].append(milliseconds)
    found = [
        Hop(service, name, round(median(of), 2), round(calls[service, name] / len(turns), 1))
        for (service, name), of in sums.items()
    ]
    return sorted(found, key=lambda hop: -hop.self_ms_p50 * min(1.0, hop.calls_a_turn))
